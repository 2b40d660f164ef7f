"""Why the database can't be used: a full disk, missing permissions, damage, a lock."""

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import peewee

from invites.db import connection

_MIN_FREE = 1024 * 1024  # bytes; with less, the next large transaction fails


class Fault(StrEnum):
    FULL = "full"
    READ_ONLY = "read-only"
    DAMAGED = "damaged"
    BUSY = "busy"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class FaultError(Exception):
    """A fault that a check or another process found."""

    def __init__(self, fault: Fault, details: str = "") -> None:
        super().__init__(details)
        self.fault = fault


# The exceptions in which fault_of may find a fault.
ERRORS = (FaultError, OSError, peewee.PeeweeException, sqlite3.Error)


class NotReadyError(Exception):
    """The database, or something else that Invites needs, can't be used. Says what to do."""


_BY_CODE = {
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_IOERR: Fault.FAILED,
    sqlite3.SQLITE_CANTOPEN: Fault.FAILED,
}
# See "Appendix A. PostgreSQL Error Codes". Errors without a code are about the connection.
_BY_SQLSTATE = {
    "53100": Fault.FULL,
    "25006": Fault.READ_ONLY,
    "XX001": Fault.DAMAGED,
    "XX002": Fault.DAMAGED,
    "53300": Fault.BUSY,
    "55P03": Fault.BUSY,
    "57014": Fault.BUSY,
    "57P01": Fault.UNREACHABLE,
    "57P02": Fault.UNREACHABLE,
    "57P03": Fault.UNREACHABLE,
    "28P01": Fault.FAILED,
    "28000": Fault.FAILED,
    "3D000": Fault.FAILED,
    "42501": Fault.FAILED,
}
_BY_ERRNO = {
    errno.ENOSPC: Fault.FULL,
    errno.EDQUOT: Fault.FULL,
    errno.EROFS: Fault.READ_ONLY,
}

_OF_FILE = {
    Fault.FULL: "The disk is full. Free some space for {full}.",
    Fault.READ_ONLY: "{path} can't be written. Check that it and the files beside it (-wal, -shm) "
    "belong to the user that Invites runs as, with mode 0600, and that the disk is writable.",
    Fault.DAMAGED: "{path} is damaged{details}. "
    "Restore a backup with 'flask restore FOLDER --replace'.",
    Fault.BUSY: "{path} is locked by another process at the moment.",
    Fault.FAILED: "{path} can't be used{details}. "
    "Check that it exists and belongs to the user that Invites runs as, and that the disk works.",
}

_OF_POSTGRES = {
    Fault.FULL: "The disk of {path} is full. Free some space there, or in {full}.",
    Fault.READ_ONLY: "{path} can't be written. Is it a standby?",
    Fault.DAMAGED: "{path} is damaged{details}. Restore a backup.",
    Fault.BUSY: "{path} is busy at the moment{details}.",
    Fault.UNREACHABLE: "{path} can't be reached{details}. Check that its server is running, and "
    "INVITES_DATABASE.",
    Fault.FAILED: "{path} can't be used{details}. Check INVITES_DATABASE, and that the user may "
    "create tables and change rows.",
}


def fault_of(error: BaseException) -> Fault | None:
    """None for an error that has nothing to do with the state of the server, such as a bug."""
    if isinstance(error, FaultError):
        return error.fault
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0)
    if type(error).__module__.startswith("psycopg"):
        return _fault_of_postgres(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended code
    fault = _BY_CODE.get(code)
    if fault is Fault.FAILED:
        return _what_failed()
    # Peewee's errors have SQLite's as their context. On a full disk, SQLite rolls back by itself,
    # and then peewee's own rollback fails.
    is_from_database = isinstance(error, peewee.PeeweeException | sqlite3.Error)
    before = error.__cause__ or error.__context__
    return fault or (fault_of(before) if before and is_from_database else None)


def _fault_of_postgres(error: BaseException) -> Fault | None:
    code = getattr(error, "sqlstate", None)
    if code is None and type(error).__name__ in ("OperationalError", "ConnectionTimeout"):
        return Fault.UNREACHABLE
    return _BY_SQLSTATE.get(code or "")


def explain(error: BaseException) -> str:
    """What the operator can do about a fault."""
    explanations = _OF_POSTGRES if connection.is_postgres() else _OF_FILE
    return explanations[fault_of(error) or Fault.FAILED].format(
        path=connection.backend(),
        full=" and ".join(full_folders()),
        details=f": {' '.join(str(error).split())}" if str(error) else "",
    )


def free_bytes(folder: Path | None = None) -> int:
    """On the disk of the database, or of ``folder``."""
    found = os.statvfs(folder or connection.folder())
    return found.f_bavail * found.f_frsize


def is_full() -> bool:
    return free_bytes() < _MIN_FREE


def full_folders() -> list[str]:
    """Folders on a full disk that Invites writes to; all of them if no disk seems full."""
    folders = [connection.folder(), Path(tempfile.gettempdir())]
    full = [folder for folder in folders if folder.exists() and free_bytes(folder) < _MIN_FREE]
    return [str(folder) for folder in full or folders]


def _what_failed() -> Fault:
    """Distinguishes faults for which SQLite has the same two codes."""
    path = Path(connection.place())
    if not path.exists():
        return Fault.FAILED
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return Fault.READ_ONLY
    return Fault.FULL if is_full() else Fault.FAILED


@contextmanager
def file_errors() -> Iterator[None]:
    """Turns an OSError or a fault of the database into a NotReadyError that says what to do."""
    try:
        yield
    except OSError as error:
        what_to_do = "Check INVITES_DATA, and run this as the user that Invites runs as."
        if fault_of(error) is Fault.FULL:
            what_to_do = "Free some space, then try again."
        raise NotReadyError(f"{error.filename}: {error.strerror}. {what_to_do}") from None
    except (FaultError, peewee.DatabaseError, sqlite3.DatabaseError) as error:
        raise NotReadyError(explain(error)) from None
