"""The database: connection, transactions, and what peewee is too slow for or can't say.

With ``db_file``, which makes, migrates and copies the file, the only module that knows
which database it is. SQLite for now; what a PostgreSQL would need goes there and here.
"""

import json
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import peewee
from peewee import (
    JOIN,
    SQL,
    BigIntegerField,
    DatabaseProxy,
    Model,
    ModelDelete,
    NodeList,
    OperationalError,
    SqliteDatabase,
    Value,
    fn,
)

database = DatabaseProxy()
LEFT_OUTER = JOIN.LEFT_OUTER

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ACCENTS = re.compile("[\u0300-\u036f]")  # what NFKD takes off letters

T = TypeVar("T")


class UtcField(BigIntegerField):
    """A moment in time: aware UTC datetimes in Python, microseconds since 1970 in the table.

    Integers compare, sort and index alike in every database.
    """

    def db_value(self, value: Any) -> Any:
        """Microseconds since the epoch for an aware datetime; None stays None."""
        if not isinstance(value, datetime):
            return value
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return (value - _EPOCH) // _MICROSECOND

    def python_value(self, value: Any) -> Any:
        """An aware UTC datetime for microseconds since the epoch."""
        return None if value is None else moment(value)


@lru_cache(1024)
def moment(stored: int) -> datetime:
    """The aware UTC datetime that a UtcField stored; rows of one batch share theirs."""
    return _EPOCH + stored * _MICROSECOND


def configure(path: Path, *, durable: bool = True) -> None:
    """Point the models at the SQLite file ``path``; connects lazily, and makes no file.

    ``durable``: each commit survives a power cut (synchronous=FULL). The mail
    worker's bookkeeping goes without: after a power cut the mails of the last
    moments may go out twice. It waits less for others who write, too: while it
    waits, it hears no mail server, and it can try again.
    """
    sqlite = SqliteDatabase(
        f"{path.as_uri()}?mode=rw",  # a file that went missing is an error, not a fresh start
        uri=True,
        lock_type="IMMEDIATE",
        timeout=30 if durable else 5,
        pragmas={
            "journal_mode": "wal",
            "foreign_keys": 1,
            "synchronous": "full" if durable else "normal",
            "cache_size": -8_000 if durable else -2_000,  # kB
        },
    )
    sqlite.register_function(_plain, "plain", 1, deterministic=True)
    database.initialize(sqlite)


def path() -> Path:
    """The file that ``configure`` was told."""
    return Path(unquote(urlsplit(database.obj.database).path))


def connect() -> None:
    """Open this thread's connection, unless it is open."""
    database.connect(reuse_if_open=True)


def close() -> None:
    """Close this thread's connection, if any."""
    if database.obj is not None and not database.is_closed():
        database.close()


@contextmanager
def transaction() -> Iterator[None]:
    """All or nothing. Takes the write lock at once, so reads in it are still true at its end."""
    with database.atomic():
        yield


def insert_rows(
    model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], **same: int
) -> None:
    """Insert many rows, given as database values (see UtcField.db_value), quickly.

    ``same`` are columns with one value for all rows. peewee builds a node per
    value, which costs ten times the insert itself.
    """
    table = model._meta.table_name
    marks = ", ".join(["?" for _ in columns] + [str(int(value)) for value in same.values()])
    names = ", ".join(f'"{column}"' for column in (*columns, *same))
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608  # names from models, not people
    database.cursor().executemany(statement, rows)


def update_rows(
    model: type[Model], columns: Sequence[str], keys: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Change many rows quickly: of each, the new values of ``columns``, then those of ``keys``."""
    new = ", ".join(f'"{column}" = ?' for column in columns)
    which = " AND ".join(f'"{key}" = ?' for key in keys)
    statement = f'UPDATE "{model._meta.table_name}" SET {new} WHERE {which}'  # noqa: S608  # names from models, not people
    database.cursor().executemany(statement, rows)


@contextmanager
def plain_sql() -> Iterator[Callable[[str, Sequence[Any]], sqlite3.Cursor]]:
    """A transaction, and what runs plain SQL in it, ``?`` for values.

    For what runs for each of 50,000 mails: peewee takes as long as SQLite.
    Raises PeeweeException, and nothing is written.
    """
    connection = database.connection()
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection.execute
        connection.execute("COMMIT")
    except BaseException as error:
        with suppress(sqlite3.Error):  # what went wrong first says more
            connection.rollback()
        if isinstance(error, sqlite3.Error):
            raise OperationalError(str(error)) from error
        raise


def delete(model: type[Model]) -> ModelDelete:
    """A DELETE to be narrowed with ``where``; types-peewee can't type ``model.delete``."""
    query: Any = model
    deletion: ModelDelete = query.delete()
    return deletion


def one(query: Any) -> Any:
    """The row of a SELECT, or None; an id too large for the database is one that isn't there."""
    try:
        return query.get_or_none()
    except OverflowError:
        return None


def tuples(query: Any) -> list[tuple[Any, ...]]:
    """The rows of a SELECT as plain tuples."""
    return list(query.tuples())


def select(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a SELECT in plain SQL, ``?`` for values, as they are stored (see ``moment``)."""
    rows: list[tuple[Any, ...]] = database.execute_sql(sql, values).fetchall()
    return rows


def constant(value: str | int) -> Value:
    """A fixed value as a column of a SELECT."""
    return Value(value)


def spelt_out(value: str) -> SQL:
    """A fixed value written into the statement, so that SQLite sees which partial index fits.

    Only for values that are names in this program.
    """
    if not value.isidentifier():
        raise ValueError(value)
    return SQL(f"'{value}'")


def among(field: Any, values: Sequence[str | int]) -> Any:
    """Whether ``field`` is one of ``values``, tens of thousands if need be.

    They travel as one parameter: peewee takes ten times as long to spell out a
    list as SQLite to search for it.
    """
    return field.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps(values)]))


def each(values: Sequence[str], field: Any) -> Any:
    """The rows of ``field``'s table in which it is one of ``values``, to be joined or ``read``.

    Looks each value up by the index of ``field``, in order, which is twice as
    quick for tens of thousands: neighbours lie on the same page of the file.
    """
    asked = SQL("json_each(?) AS asked", [_as_json(sorted(values))])
    # To SQLite a CROSS JOIN says which table comes first.
    return peewee.Join(asked, field.model, JOIN.CROSS, on=(SQL("asked.value") == field))


def _as_json(values: Sequence[str]) -> str:
    """A JSON list of ``values``; ten times as quick as json for many without odd characters."""
    text = "\n".join(values)
    if "\\" in text or text.count("\n") != len(values) - 1:
        return json.dumps(values)
    return "[" + json.dumps(text).replace("\\n", '","') + "]"


def read(source: Any, columns: Sequence[Any], *conditions: Any) -> list[tuple[Any, ...]]:
    """The rows of joined tables, with values as they are stored (see UtcField.db_value)."""
    query = peewee.Select([source], columns)
    if conditions:
        query = query.where(*conditions)
    return list(query.tuples().execute(database))


def beside(field: Any) -> Any:
    """``field`` as a condition beside a better one: SQLite finds rows by the other's index.

    Of an account and a few addresses it would else read all rows of the account.
    """
    return NodeList((SQL("+"), field))


def plain(field: Any) -> Any:
    """A text to search and order by: to SQLite itself Ö isn't ö, and comes after z."""
    return fn.plain(field)


def contains(field: Any, text: str) -> Any:
    """Whether ``text`` is a part of ``field``, whatever the case and accents of both."""
    return fn.INSTR(plain(field), _plain(text)) > 0


def address_contains(field: Any, text: str) -> Any:
    """The same for canonical addresses, which are plain already: several times as fast."""
    return fn.INSTR(field, _plain(text)) > 0


def _plain(text: str | None) -> str | None:
    """In lower case and without accents; NULL stays so, as in functions of SQLite's own."""
    if text is None:
        return None
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
