"""Passwords: what is accepted, and scrypt (by werkzeug) to keep and check them.

How easily one is guessed is estimated by zxcvbn, from lists of leaked passwords,
names and words, and from patterns of keyboards and dates.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.security import check_password_hash, generate_password_hash

from invites.core.errors import Reason, RuleError

MIN_LENGTH = 10
MAX_LENGTH = 256  # caps the work that a stranger can cause

STRONGEST = 4
_ACCEPTABLE = 2  # of 0 to 4: not guessed within a million tries (ASVS 5.0 6.2.4)
_ESTIMATED = 32  # characters; all 256 would take seconds, and a longer one is no weaker
_LOOK_ALIKES = 10  # different ones among them, like 4 and @ for an A, for the same reason

# One scrypt takes 32 MiB and a core for a fifth of a second.
_at_once = threading.BoundedSemaphore(2)

# Those two, and who waits for them. The rest of gunicorn's threads serve what takes
# no password, however many log in.
_places = threading.BoundedSemaphore(2 + 16)

METHOD = "scrypt:32768:8:3"  # OWASP's for 32 MiB; the tests take a cheaper one

_NO_DIGEST = "nobody$" + "0" * 128  # salt and digest that no password has


class _Here(threading.local):
    """What this thread knows of its place in line."""

    has_place: bool | None = None  # nobody has looked for one yet


_here = _Here()


@contextmanager
def in_line() -> Iterator[bool]:
    """Keep a place in line for all that is hashed within; False when none is left.

    Then everything within that hashes or estimates raises RuleError(BUSY) at once. Without
    this around it, each looks for a place of its own.
    """
    if _here.has_place is not None:
        yield _here.has_place
        return
    _here.has_place = has_place = _places.acquire(blocking=False)
    try:
        yield has_place
    finally:
        _here.has_place = None
        if has_place:
            _places.release()


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn. Raises RuleError(BUSY) at once when too many wait."""
    with in_line() as has_place:
        if not has_place:
            raise RuleError(Reason.BUSY)
        with _at_once:
            yield


def check_length(password: str) -> None:
    """Raises RuleError for a password that is too short or too long."""
    if len(password) < MIN_LENGTH:
        raise RuleError(Reason.PASSWORD_SHORT, limit=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise RuleError(Reason.PASSWORD_LONG, limit=MAX_LENGTH)


def check_acceptable(password: str, *, email: str, name: str = "") -> None:
    """Raises RuleError for a password that is too short, too long or too easily guessed.

    No rules of composition (ASVS 5.0 6.2.1, 6.2.4, 6.2.5, 6.2.9, 6.2.11).
    """
    check_length(password)
    if strength(password, email=email, name=name) < _ACCEPTABLE:
        raise RuleError(Reason.PASSWORD_OBVIOUS)


def strength(password: str, *, email: str, name: str = "") -> int:
    """From 0, guessed at once, to 4, hardly ever; by somebody who knows address and name."""
    from zxcvbn import zxcvbn  # 14 MB, which the worker never needs

    estimated = _estimated(password[:_ESTIMATED])
    known = [email, email.partition("@")[0], name, *name.split()]
    with _turn():
        estimate = zxcvbn(estimated, user_inputs=[word for word in known if word])
    return int(estimate["score"])


def _estimated(password: str) -> str:
    """The beginning of ``password`` with which the estimate is done in a tenth of a second.

    It tries each reading of what looks like letters: there are hundreds of all together.
    """
    from zxcvbn.matching import L33T_TABLE

    look_alikes = {letter for letters in L33T_TABLE.values() for letter in letters}
    seen: set[str] = set()
    for place, letter in enumerate(password):
        seen.update(look_alikes & {letter})
        if len(seen) > _LOOK_ALIKES:
            return password[:place]
    return password


def check_right(password_hash: str, password: str) -> None:
    """Raises RuleError(PASSWORD_WRONG) unless ``password`` is the right one."""
    if not password_matches(password_hash, password):
        raise RuleError(Reason.PASSWORD_WRONG)


def hash_password(password: str) -> str:
    """A salted scrypt hash. Takes a fifth of a second: never call it in a transaction."""
    with _turn():
        return generate_password_hash(password, METHOD)


def is_outdated(password_hash: str) -> bool:
    """Whether an older version of Invites made this hash, by a cheaper method."""
    return not password_hash.startswith(f"{METHOD}$")


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` is the right one.

    None, for nobody, takes as long as a wrong password, so that the time it
    takes doesn't tell whether somebody has a profile.
    """
    if len(password) > MAX_LENGTH:
        return False
    with _turn():
        matches = check_password_hash(password_hash or f"{METHOD}${_NO_DIGEST}", password)
    return matches and password_hash is not None
