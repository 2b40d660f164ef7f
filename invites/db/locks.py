"""Locks between processes. The operating system releases them when a process ends."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from invites.db import connection


@contextmanager
def lock_file(name: str) -> Iterator[IO[str]]:
    """Opens a file beside the database for processes to lock. Doesn't lock it."""
    path = connection.folder() / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as lock:
        if os.fstat(descriptor).st_mode & 0o077:  # created by an earlier version
            os.fchmod(descriptor, 0o600)
        yield lock


@contextmanager
def only_one_here(name: str, give_up: Callable[[], bool], *, where: str = "") -> Iterator[bool]:
    """Waits until no process with the same data folder holds the lock ``name``.

    Stops waiting when ``give_up`` returns True. Yields whether this process holds the lock.
    ``where``: added to what ``holder`` returns.
    """
    with lock_file(name) as lock:
        claimed = _wait(lambda: _claim(lock), give_up)
        if claimed:
            _sign(lock, where)
        yield claimed


@contextmanager
def only_one(name: str, give_up: Callable[[], bool]) -> Iterator[Callable[[], bool] | None]:
    """Waits until no other process holds the lock ``name``, also on other servers.

    Stops waiting when ``give_up`` returns True, and yields None. Otherwise yields a function to
    call now and then: it raises PeeweeException when the lock was lost with its connection.
    """
    with lock_file(name) as lock, connection.backend().lock_attempts(name) as attempt:
        claimed = _wait(lambda: _claim(lock) and attempt(), give_up)
        if claimed:
            _sign(lock)
        yield attempt if claimed else None


def _wait(attempt: Callable[[], bool], give_up: Callable[[], bool]) -> bool:
    while not (claimed := attempt()) and not give_up():
        time.sleep(0.2)
    return claimed


def _sign(lock: IO[str], where: str = "") -> None:
    lock.truncate(0)
    lock.write(f"process {os.getpid()}{where}")
    lock.flush()


def holder(name: str) -> str:
    """The process that took the lock last, such as ``process 123 at 127.0.0.1:8000``."""
    with lock_file(name) as lock:
        return lock.read() or "an unknown process"


def _claim(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
