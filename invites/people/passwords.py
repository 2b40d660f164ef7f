"""Passwords: which ones are accepted, and how they are hashed (scrypt, with Werkzeug).

zxcvbn estimates how easily a password is guessed, using leaked passwords, names, words, dates and
keyboard patterns.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from invites.core.errors import Reason, RuleError
from invites.core.places import Places

MIN_LENGTH = 10
MAX_LENGTH = 256  # limits the work that an attacker can cause

STRONGEST = 4
_ACCEPTABLE = 2  # of 0 to 4: not guessed in a million attempts (ASVS 5.0 6.2.4)

# Estimating more characters would take seconds. The rest of a password can't make it weaker.
_ESTIMATED = 32  # characters
_SUBSTITUTES = 10  # different characters that zxcvbn may read as letters, such as 4 and @ as a

METHOD = "scrypt:32768:8:3"  # as OWASP recommends for 32 MiB; tests use a cheaper one
_NO_DIGEST = "nobody$" + "0" * 128  # matches no password

# A hash takes 32 MiB and 0.2 seconds of a core. One runs at a time and up to 16 wait, so the other
# cores and gunicorn's other threads remain free for requests without a password.
_running = threading.Lock()
_queue = Places(1 + 16, each=12)


class _Thread(threading.local):
    is_queued: bool | None = None  # None outside of ``queue``


_thread = _Thread()


@contextmanager
def queue(requester: str = "") -> Iterator[bool]:
    """Reserves one place in the queue for the whole block. ``requester``: for example a network.

    Yields whether there was a free place. If not, hashing and estimating in the block raise
    RuleError(BUSY) at once. Outside of such a block, each call reserves its own place.
    """
    if _thread.is_queued is not None:
        yield _thread.is_queued
        return
    _thread.is_queued = is_queued = _queue.take(requester)
    try:
        yield is_queued
    finally:
        _thread.is_queued = None
        if is_queued:
            _queue.leave(requester)


@contextmanager
def _turn() -> Iterator[None]:
    """Raises RuleError(BUSY) if the queue is full."""
    with queue() as is_queued:
        if not is_queued:
            raise RuleError(Reason.BUSY)
        with _running:
            yield


def check_length(password: str) -> None:
    """Raises RuleError(PASSWORD_SHORT, PASSWORD_LONG)."""
    if len(password) < MIN_LENGTH:
        raise RuleError(Reason.PASSWORD_SHORT, limit=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise RuleError(Reason.PASSWORD_LONG, limit=MAX_LENGTH)


def check_acceptable(password: str, *, email: str, name: str = "") -> None:
    """Raises RuleError(PASSWORD_*) if a new password is too short, too long or easily guessed.

    Raises RuleError(BUSY) if the queue is full. There are no composition rules (ASVS 5.0 6.2.1,
    6.2.4, 6.2.5, 6.2.9, 6.2.11).
    """
    check_length(password)
    if strength(password, email=email, name=name) < _ACCEPTABLE:
        raise RuleError(Reason.PASSWORD_WEAK)


def strength(password: str, *, email: str, name: str = "") -> int:
    """From 0 (guessed at once) to 4. Assumes that the attacker knows the address and name."""
    from zxcvbn import zxcvbn  # 14 MB, which the worker never needs

    estimated = _estimated_part(password)
    known = [email, email.partition("@")[0], name, *name.split()]
    with _turn():
        estimate = zxcvbn(estimated, user_inputs=[word for word in known if word])
    return int(estimate["score"])


def _estimated_part(password: str) -> str:
    """The longest prefix that zxcvbn can estimate in 0.1 seconds.

    zxcvbn tries every combination of substitutes, so their number is limited.
    """
    from zxcvbn.matching import L33T_TABLE

    substitutes = {character for characters in L33T_TABLE.values() for character in characters}
    password = password[:_ESTIMATED]
    seen: set[str] = set()
    for place, character in enumerate(password):
        seen.update(substitutes & {character})
        if len(seen) > _SUBSTITUTES:
            return password[:place]
    return password


def hash_password(password: str) -> str:
    """Takes 0.2 seconds, so never call it in a transaction. Raises RuleError(BUSY)."""
    # 3 MB, which gunicorn's parent never needs.
    from werkzeug.security import generate_password_hash

    with _turn():
        return generate_password_hash(password, METHOD)


def is_outdated(password_hash: str) -> bool:
    return not password_hash.startswith(f"{METHOD}$")


def check_correct(password_hash: str, password: str) -> None:
    """Raises RuleError(PASSWORD_WRONG, BUSY)."""
    if not matches(password_hash, password):
        raise RuleError(Reason.PASSWORD_WRONG)


def matches(password_hash: str | None, password: str) -> bool:
    """Takes as long for None as for a wrong password, so timing doesn't reveal profiles.

    Raises RuleError(BUSY).
    """
    from werkzeug.security import check_password_hash

    if len(password) > MAX_LENGTH:
        return False
    with _turn():
        is_right = check_password_hash(password_hash or f"{METHOD}${_NO_DIGEST}", password)
    return is_right and password_hash is not None
