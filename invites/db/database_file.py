"""Copies the database file for a backup."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from invites.db import connection
from invites.db.faults import Fault, fault_of, file_errors
from invites.db.health import refuse_damaged


def backup(target: Path) -> None:
    """Makes a consistent copy, even while others write.

    Raises NotReadyError if the copy is damaged, because then the database is too.
    """
    with file_errors():
        target.touch(mode=0o600)
        connection.connect()
        try:
            with closing(sqlite3.connect(target)) as copy:
                _copy(copy, target)
                refuse_damaged(copy)
        finally:
            connection.close()


def _copy(copy: sqlite3.Connection, target: Path) -> None:
    try:
        connection.database.connection().backup(copy)
    except sqlite3.OperationalError as error:
        if fault_of(error) is not Fault.FULL:
            raise
        full = os.strerror(errno.ENOSPC)
        # Names the backup's folder: the full disk is that one, not the database's.
        raise OSError(errno.ENOSPC, full, str(target.parent)) from None
