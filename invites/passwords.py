"""Passwords: what is accepted, and scrypt (by werkzeug) to keep and check them."""

import threading

from werkzeug.security import check_password_hash, generate_password_hash

from invites.refusals import Reason, Refused

MIN_LENGTH = 10
MAX_LENGTH = 256  # caps the work that a stranger can cause

# One scrypt takes 32 MiB and a core for a tenth of a second.
_at_once = threading.BoundedSemaphore(2)

METHOD = "scrypt:32768:8:1"  # the tests take a cheaper one

_NOBODYS_HASH = generate_password_hash("nobody has this password", METHOD)


def check_length(password: str) -> None:
    """Raises Refused for a password that is too short or too long."""
    if len(password) < MIN_LENGTH:
        raise Refused(Reason.PASSWORD_SHORT, limit=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise Refused(Reason.PASSWORD_LONG, limit=MAX_LENGTH)


def check_acceptable(password: str, *, email: str, name: str = "") -> None:
    """Raises Refused for a password that is too short, too long or obvious.

    No rules of composition: length is what counts (ASVS 5.0 6.2.1, 6.2.5, 6.2.9).
    """
    check_length(password)
    flat = password.casefold()
    obvious = {email.casefold(), email.partition("@")[0].casefold(), name.casefold()}
    if flat in obvious or len(set(flat)) < 4:
        raise Refused(Reason.PASSWORD_OBVIOUS)


def hash_password(password: str) -> str:
    """A salted scrypt hash. Takes a tenth of a second: never call it in a transaction."""
    with _at_once:
        return generate_password_hash(password, METHOD)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` is the right one.

    None, for nobody, takes as long as a wrong password, so that the time it
    takes doesn't tell whether somebody has a profile.
    """
    if len(password) > MAX_LENGTH:
        return False
    with _at_once:
        matches = check_password_hash(password_hash or _NOBODYS_HASH, password)
    return matches and password_hash is not None
