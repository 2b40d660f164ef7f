"""The file of the database: making, migrating, checking and copying it, and locks beside it."""

import contextlib
import fcntl
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import peewee
from playhouse.migrations import Runner

from invites import db

MIGRATIONS = Path(__file__).parent / "migrations"


class NotReadyError(Exception):
    """The database, or what belongs to it, can't be used; the message says what to do."""


def migrate() -> list[str]:
    """Make the file if need be and apply all pending migrations; returns their names.

    Under a lock between processes. Raises NotReadyError for a file that can't be used.
    """
    file = db.path()
    with _in_plain_words():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.with_name("migrate.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file.touch(mode=0o600)
            db.connect()
            try:
                _refuse_newer(_runner())
                return list(_runner().up())
            finally:
                db.close()


def backup(target: Path) -> None:
    """Copy the database to ``target``, whole and consistent while others write.

    Raises NotReadyError when the copy is damaged: then the database is.
    """
    with _in_plain_words():
        target.touch(mode=0o600)
        db.connect()
        try:
            with contextlib.closing(sqlite3.connect(target)) as copy:
                db.database.connection().backup(copy)
                _refuse_damaged(copy)
        finally:
            db.close()


@contextmanager
def only_one(name: str, give_up: Callable[[], bool]) -> Iterator[bool]:
    """Be the only process that does ``name``: waits for another one, until ``give_up`` says so.

    Yields whether it is. The operating system ends the claim of a process that
    dies, at once and whatever the clock says.
    """
    file = db.path().with_name(f"{name}.lock")
    with file.open("w") as lock:
        while not (claimed := _claim(lock)) and not give_up():
            time.sleep(0.2)
        yield claimed


def _claim(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def refuse_unready() -> None:
    """Raises NotReadyError, saying what to do, unless this version can use the db.database."""
    file = db.path()
    with _in_plain_words():
        if not file.exists():
            raise _no_database(file)
        db.connect()
        try:
            runner = _runner()
            if not runner.applied():
                raise _no_database(file)
            _refuse_newer(runner)
            pending = [step.name for step in runner.status() if step.applied is None]
        finally:
            db.close()
    if pending:
        raise NotReadyError(
            f"The database is older than this version ({len(pending)} migration(s) pending: "
            f"{', '.join(pending)}). Run 'flask migrate', then start again."
        )


def is_sound() -> bool:
    """Whether the file is an undamaged database of Invites, of whatever version."""
    try:
        db.connect()
        _refuse_damaged(db.database.connection())
        return bool(_runner().applied())
    except (peewee.DatabaseError, sqlite3.DatabaseError):
        return False
    finally:
        db.close()


def _refuse_damaged(connection: sqlite3.Connection) -> None:
    ((finding, *_),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if finding != "ok":
        raise sqlite3.DatabaseError(finding)


def _refuse_newer(runner: Runner) -> None:
    unknown = [step.name for step in runner.status() if step.path is None]
    if unknown:
        raise NotReadyError(
            f"The database is newer than this version of Invites, which doesn't know "
            f"{', '.join(unknown)}. Install the version that it was made with, or a later one."
        )


def _no_database(file: Path) -> NotReadyError:
    return NotReadyError(
        f"There is no database yet in {file.parent}. "
        "Run 'flask migrate' to make one, or set INVITES_DATA to where it is."
    )


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """Errors of the file and of SQLite become a NotReadyError that says what to do."""
    try:
        yield
    except OSError as error:
        raise NotReadyError(
            f"{error.filename}: {error.strerror}. "
            "Is INVITES_DATA right, and is this the user that Invites runs as?"
        ) from None
    except (peewee.OperationalError, sqlite3.OperationalError) as error:
        raise NotReadyError(
            f"{db.path()} can't be used: {error}. "
            "Does it belong to the user that Invites runs as, and is there room on the disk?"
        ) from None
    except (peewee.DatabaseError, sqlite3.DatabaseError) as error:
        raise NotReadyError(
            f"{db.path()} is damaged: {error}. "
            "Put a backup in its place with 'flask restore FOLDER --replace'."
        ) from None


def _runner() -> Runner:
    return Runner(db.database.obj, str(MIGRATIONS))
