"""A log-in that isn't complete, kept in the visitor's cookie.

The password was right and the second step is still to come, or the password was wrong and
may be forgotten.
"""

import hashlib
from typing import Any

from flask import session

from invites.models import SecurityEvent, User
from invites.people import security_notices
from invites.web.services import now

_KEY = "two_step"
_PATIENCE = 10 * 60  # seconds
_ADDRESS = "last_login_address"
_LONGEST_ADDRESS = 254


def begin(user: User, *, shared: bool) -> None:
    """Remember on this device that ``user`` has typed their password."""
    session[_KEY] = {
        "user": user.id,
        "password": _fingerprint(user),
        "shared": shared,
        "at": int(now().timestamp()),
    }


def waiting() -> tuple[User, bool] | None:
    """Who typed their password here in the last ten minutes, and whether others use the device.

    None once the password isn't that one any more.
    """
    found: dict[str, Any] = session.get(_KEY, {})
    if not found or now().timestamp() - found["at"] > _PATIENCE:
        return None
    user = User.get_or_none(User.id == found["user"])
    if user is None or _fingerprint(user) != found["password"]:
        return None
    return user, found["shared"]


def waits_on_shared_device(user: User) -> bool:
    """Whether ``user`` said that others use the device, when they typed their password."""
    return waiting() == (user, True)


def key() -> str:
    """Whose guesses are counted together: a new password begins anew, so its owner gets in."""
    found = session.get(_KEY, {})
    return f"{found.get('user')}|{found.get('password')}"


def tell_of_guesses() -> None:
    """Mail the person whose second step somebody guesses at (ASVS 5.0 6.3.5)."""
    found = waiting()
    if found is not None:
        security_notices.send_once_an_hour(found[0], SecurityEvent.TWO_STEP_GUESSED, now())


def keep_address(address: str | None) -> None:
    """Remember the address of a refused log-in; not in a URL, because URLs get into logs."""
    session[_ADDRESS] = (address or "")[:_LONGEST_ADDRESS]


def take_address() -> str:
    """The remembered address, once; for the page of forgotten passwords."""
    return str(session.pop(_ADDRESS, ""))


def _fingerprint(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
