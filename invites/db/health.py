"""Checks that the database is undamaged and can be written to."""

import logging
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from invites.db import connection
from invites.db.faults import (
    ERRORS,
    Fault,
    FaultError,
    explain,
    fault_of,
    file_errors,
    free_bytes,
    is_full,
)

log = logging.getLogger("invites.db")

_WRITE_EVERY = 10.0  # seconds
_READ_EVERY = 60.0
_READ_TIME = 2.0
_LOCK_TIME = 1.0  # to wait for another connection's transaction
_LOW = 200 * 1024 * 1024  # bytes


def refuse_damaged(opened: sqlite3.Connection, seconds: float | None = None) -> None:
    """Reads the whole file, or as much as it can in ``seconds``.

    Raises FaultError if it is damaged, and sqlite3.DatabaseError if it can't be read.
    """
    deadline = float("inf") if seconds is None else time.monotonic() + seconds
    opened.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        ((finding, *_),) = opened.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        opened.set_progress_handler(None, 0)
    if finding != "ok":
        details = finding.removeprefix("*** in database main ***")
        raise FaultError(Fault.DAMAGED, " ".join(details.split()))


def refuse_damaged_now(seconds: float) -> None:
    """Raises NotReadyError if damage is found within ``seconds``. PostgreSQL checks itself."""
    if connection.is_postgres():
        return
    with file_errors(), closing(_open()) as opened:
        refuse_damaged(opened, seconds)


def disk_is_low() -> bool:
    try:
        return free_bytes() < _LOW
    except OSError:  # the folder is missing, and so is the database
        return False


class Monitor:
    """Checks the database at most every ten seconds, however often it is asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget(None)

    def _forget(self, database: object) -> None:
        self._database = database
        self._is_damaged = False
        self._fault: Fault | None = None
        self._written_at = self._read_at = float("-inf")

    def fault(self) -> Fault | None:
        """Returns the previous result while another thread is checking."""
        if self._lock.acquire(blocking=False):
            try:
                self._check_if_due()
            finally:
                self._lock.release()
        return Fault.DAMAGED if self._is_damaged else self._fault

    def report(self, fault: Fault) -> None:
        """Damage counts until the process ends, because later checks may not reach it."""
        if fault is Fault.DAMAGED:
            self._is_damaged = True

    def _check_if_due(self) -> None:
        if self._database is not connection.database.obj:  # another file
            self._forget(connection.database.obj)
        now = time.monotonic()
        if now >= self._written_at + _WRITE_EVERY:
            self._written_at = now
            self._fault = self._check(now)

    def _check(self, now: float) -> Fault | None:
        try:
            if connection.is_postgres():
                connection.backend().check_write()
            else:
                self._check_file(now)
        except ERRORS as error:
            fault = fault_of(error) or Fault.FAILED
            self.report(fault)
            if fault is Fault.BUSY:
                return None  # others can write
            if fault is not self._fault:
                log.error("the health check failed: %s", explain(error))
            return fault
        return Fault.FULL if is_full() else None

    def _check_file(self, now: float) -> None:
        with closing(_open()) as opened:
            if now >= self._read_at + _READ_EVERY:
                self._read_at = now
                refuse_damaged(opened, _READ_TIME)
            _write(opened)


def _open() -> sqlite3.Connection:
    uri = f"{Path(connection.place()).as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=_LOCK_TIME, isolation_level=None)


def _write(opened: sqlite3.Connection) -> None:
    """Changes nothing, but SQLite writes a page and waits until it is on disk."""
    ((number,),) = opened.execute("PRAGMA user_version")
    opened.execute(f"PRAGMA user_version = {int(number)}")


monitor = Monitor()
