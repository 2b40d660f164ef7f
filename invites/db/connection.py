"""Connections and transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from peewee import DatabaseProxy, SqliteDatabase

from invites.db import search

database = DatabaseProxy()


def configure(path: Path, *, durable: bool = True) -> None:
    """Points the models at the SQLite file ``path``. Doesn't connect or create the file.

    ``durable``: each commit survives a power failure (synchronous=FULL). False for the mail worker:
    after a power failure, the last few messages may be sent twice. It also waits only 5 seconds for
    a lock, because it can't read from mail servers while it waits.
    """
    sqlite = SqliteDatabase(
        f"{path.as_uri()}?mode=rw",  # not rwc: a missing file is an error
        uri=True,
        lock_type="IMMEDIATE",
        timeout=30 if durable else 5,
        pragmas={
            "journal_mode": "wal",
            "foreign_keys": 1,
            "synchronous": "full" if durable else "normal",
            "cache_size": -2_000,  # KiB per connection; each thread of the web process has one
        },
    )
    search.register(sqlite)
    database.initialize(sqlite)


def path() -> Path:
    return Path(unquote(urlsplit(database.obj.database).path))


def connect() -> None:
    database.connect(reuse_if_open=True)


def close() -> None:
    if database.obj is not None and not database.is_closed():
        database.close()


@contextmanager
def transaction() -> Iterator[None]:
    """Takes the write lock at the start, so what it reads is still true when it commits."""
    with database.atomic():
        yield
