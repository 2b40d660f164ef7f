"""A login that still needs two-step verification, kept in the session cookie."""

import hashlib
from typing import Any

from flask import session

from invites.models import SecurityEvent, User
from invites.people import security_notices
from invites.web.services import now

_KEY = "two_step"
_TIMEOUT = 10 * 60  # seconds


def begin(user: User, *, shared: bool) -> None:
    session[_KEY] = {
        "user": user.id,
        "password": _fingerprint(user),
        "shared": shared,
        "at": int(now().timestamp()),
    }


def waiting() -> tuple[User, bool] | None:
    """The person who still has to verify, and whether the device is shared.

    None after ten minutes, or if the password has changed since.
    """
    found: dict[str, Any] = session.get(_KEY, {})
    if not found or now().timestamp() - found["at"] > _TIMEOUT:
        return None
    user = User.get_or_none(User.id == found["user"])
    if user is None or _fingerprint(user) != found["password"]:
        return None
    return user, found["shared"]


def waits_on_shared_device(user: User) -> bool:
    return waiting() == (user, True)


def key() -> str:
    """The key for counting guesses. A new password starts a new count."""
    found = session.get(_KEY, {})
    return f"{found.get('user')}|{found.get('password')}"


def notify_of_guesses() -> None:
    """Notifies the person that someone knows their password (ASVS 5.0 6.3.5)."""
    found = waiting()
    if found is not None:
        security_notices.send_once_an_hour(found[0], SecurityEvent.TWO_STEP_GUESSED, now())


def _fingerprint(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
