"""Connections and transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from peewee import DatabaseProxy, PostgresqlDatabase

from invites.db.backend import Backend
from invites.db.sqlite import Sqlite

database = DatabaseProxy()


def configure(place: Path | str, *, folder: Path | None = None, durable: bool = True) -> None:
    """Points the models at a SQLite file, or at the URL of a PostgreSQL database. Doesn't connect.

    ``folder``: of this server's own files, for PostgreSQL. ``durable``: each commit survives a
    power failure. False for the mail worker: after a power failure, the last few messages may be
    sent twice.
    """
    if database.obj is not None:
        database.obj.close_idle()
    database.initialize(open_backend(place, folder, durable=durable))


def open_backend(place: Path | str, folder: Path | None, *, durable: bool = True) -> Backend:
    """See ``configure``. Doesn't connect."""
    if isinstance(place, Path):
        return Sqlite(place, durable=durable)
    from invites.db.postgres import Postgres  # needs psycopg, which is optional

    assert folder is not None
    return Postgres(place, folder, durable=durable)


def backend() -> Backend:
    return cast(Backend, database.obj)


def is_postgres() -> bool:
    return isinstance(database.obj, PostgresqlDatabase)


def place() -> Path | str:
    """What ``configure`` was given."""
    return backend().place


def folder() -> Path:
    """Of this server's own files."""
    return backend().folder


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
