"""The database file: locks, backups and readable errors."""

import contextlib
import fcntl
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import peewee

from invites.db import connection


class NotReadyError(Exception):
    """The database, or what belongs to it, can't be used; the message says what to do."""


def backup(target: Path) -> None:
    """Copies the database consistently while others write.

    Raises NotReadyError if the copy is damaged, because then the database is too.
    """
    with file_errors():
        target.touch(mode=0o600)
        connection.connect()
        try:
            with contextlib.closing(sqlite3.connect(target)) as copy:
                connection.database.connection().backup(copy)
                refuse_damaged(copy)
        finally:
            connection.close()


def refuse_damaged(opened: sqlite3.Connection) -> None:
    """Raises sqlite3.DatabaseError."""
    ((finding, *_),) = opened.execute("PRAGMA quick_check(1)").fetchall()
    if finding != "ok":
        raise sqlite3.DatabaseError(finding)


@contextmanager
def only_one(name: str, give_up: Callable[[], bool]) -> Iterator[bool]:
    """Waits until no other process holds the lock ``name``, or until ``give_up`` returns True.

    Yields whether this process holds it. The operating system releases it if the process dies.
    """
    with connection.path().with_name(f"{name}.lock").open("w") as lock:
        while not (claimed := _claim(lock)) and not give_up():
            time.sleep(0.2)
        yield claimed


def _claim(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def file_errors() -> Iterator[None]:
    """Turns OSError and SQLite errors into a NotReadyError that says what to do."""
    try:
        yield
    except OSError as error:
        raise NotReadyError(
            f"{error.filename}: {error.strerror}. "
            "Is INVITES_DATA right, and is this the user that Invites runs as?"
        ) from None
    except (peewee.OperationalError, sqlite3.OperationalError) as error:
        raise NotReadyError(
            f"{connection.path()} can't be used: {error}. "
            "Does it belong to the user that Invites runs as, and is there space on the disk?"
        ) from None
    except (peewee.DatabaseError, sqlite3.DatabaseError) as error:
        raise NotReadyError(
            f"{connection.path()} is damaged: {error}. "
            "Restore a backup with 'flask restore FOLDER --replace'."
        ) from None
