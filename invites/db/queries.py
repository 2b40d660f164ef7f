"""Queries and bulk writes that peewee can't express or builds too slowly."""

from collections.abc import Iterable, Sequence
from enum import Enum
from types import SimpleNamespace
from typing import Any

import peewee
from peewee import JOIN, SQL, Model, ModelDelete

from invites.db.connection import backend, database

LEFT_OUTER = JOIN.LEFT_OUTER


def insert_rows(
    model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], **same: int
) -> None:
    """Ten times as fast as peewee's insert_many. Values are as stored (see UtcField.db_value).

    ``same``: columns that have the same value in all rows.
    """
    table = model._meta.table_name
    marks = ", ".join(["?" for _ in columns] + [str(int(value)) for value in same.values()])
    names = ", ".join(f'"{column}"' for column in (*columns, *same))
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608  # only names of tables and columns; values are parameters
    backend().insert_rows(statement, rows)


def update_rows(
    model: type[Model], columns: Sequence[str], keys: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Each row has the new values of ``columns``, then those of ``keys``."""
    new = ", ".join(f'"{column}" = ?' for column in columns)
    which = " AND ".join(f'"{key}" = ?' for key in keys)
    statement = f'UPDATE "{model._meta.table_name}" SET {new} WHERE {which}'  # noqa: S608  # only names of tables and columns; values are parameters
    backend().insert_rows(statement, rows)


def delete(model: type[Model]) -> ModelDelete:
    """``model.delete()``, for which types-peewee has no type."""
    query: Any = model
    deletion: ModelDelete = query.delete()
    return deletion


def tuples(query: Any) -> list[tuple[Any, ...]]:
    return list(query.tuples())


def select(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Values are as stored (see ``moment``)."""
    rows: list[tuple[Any, ...]] = database.execute_sql(backend().translated(sql), values).fetchall()
    return rows


def execute(sql: str, values: Sequence[Any]) -> int:
    """Returns the number of rows changed."""
    rows: int = database.execute_sql(backend().translated(sql), values).rowcount
    return rows


def sql(template: str, *enums: type[Enum], **parts: str) -> str:
    """Fills in the enum members of a template, such as ``{BatchState.DONE}``.

    They become literals, so SQLite can use a partial index. ``parts``: pieces of SQL to fill in.
    All other values must be parameters (``?``).
    """
    literals = {
        enum.__name__: SimpleNamespace(**{each.name: _sql_literal(each.value) for each in enum})
        for enum in enums
    }
    return template.format(**literals, **parts)


def _sql_literal(value: str | int) -> str:
    return str(int(value)) if isinstance(value, int) else str(literal(value).sql)


def read(source: Any, columns: Sequence[Any], *conditions: Any) -> list[tuple[Any, ...]]:
    """Values are as stored (see ``moment``)."""
    query = peewee.Select([source], columns)
    if conditions:
        query = query.where(*conditions)
    return list(query.tuples().execute(database))


def literal(value: str) -> SQL:
    """An SQL literal, because SQLite can't use a partial index with a parameter.

    Raises ValueError unless ``value`` is an identifier.
    """
    if not value.isidentifier():
        raise ValueError(value)
    return SQL(f"'{value}'")


def among(field: Any, values: Sequence[str | int]) -> Any:
    """Passes all values as one parameter, because peewee is slow with one per value."""
    return backend().among(field, values)


def lookup(values: Sequence[str], field: Any) -> Any:
    """Rows whose ``field`` is one of ``values``, for a join or ``read``.

    Sorting tens of thousands of values makes it twice as fast: neighbors share index pages.
    """
    return backend().lookup(sorted(values), field)


def unindexed(field: Any) -> Any:
    """``field`` as an expression that no index matches, so that SQLite picks a better index."""
    return backend().unindexed(field)
