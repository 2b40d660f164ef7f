"""Makes databases unusable: full, read-only, locked, damaged. SQLite itself then raises errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from invites import db


@contextmanager
def fill(_database: Path) -> Iterator[None]:
    """SQLite can add no page, as on a full disk."""
    ((pages,),) = db.select("PRAGMA page_count", ())
    with _pragma("max_page_count", pages, normal=2**30):
        yield


@contextmanager
def make_read_only(_database: Path) -> Iterator[None]:
    with _pragma("query_only", 1, normal=0):
        yield


@contextmanager
def lock(database: Path) -> Iterator[None]:
    """Another connection holds the write lock, and the timeout is short."""
    with closing(sqlite3.connect(database)) as other, _pragma("busy_timeout", 50, normal=5000):
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def _pragma(name: str, value: int, *, normal: int) -> Iterator[None]:
    """Applies to this thread's connection and to later ones."""
    database = db.database.obj
    before = database._pragmas
    db.connect()
    database.pragma(name, value, permanent=True)
    yield
    database._pragmas = before
    db.connect()
    database.pragma(name, normal)


def damage(database: Path, table: str) -> None:
    """Overwrites the first page of a table in the file. Closes the connection of this thread."""
    db.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    ((page,),) = db.select("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
    db.close()
    with database.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\xff" * 4096)
