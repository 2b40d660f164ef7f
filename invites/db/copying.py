"""Copies all rows to another database: a move to PostgreSQL or back, and a backup of it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peewee

from invites.db import connection, postgres_schema, queries, schema
from invites.db.backend import Backend
from invites.db.faults import NotReadyError, file_errors

_CHUNK = 2_000  # rows

Models = Sequence[type[peewee.Model]]


def copy(source: Path | str, target: Path | str, folder: Path, models: Models) -> int:
    """Copies the rows of ``source`` to ``target``, which may not have any; returns how many.

    Migrates ``target`` first. Reads one state of ``source``, even while others write. Copies all
    or nothing, and compares a checksum of each table. Raises NotReadyError. Configures neither.
    """
    if isinstance(source, Path) and not source.exists():
        raise NotReadyError(f"{source} doesn't exist.")
    with _configured_again(), file_errors():
        reader = connection.open_backend(source, folder)
        connection.configure(source, folder=folder)
        schema.refuse_unready()
        connection.configure(target, folder=folder)
        schema.migrate(models)
        try:
            with reader.snapshot():
                connection.connect()
                with connection.transaction():
                    _refuse_rows(models, str(connection.backend()))
                    return sum(_copy_table(model, reader) for model in _parents_first(models))
        finally:
            for used in (reader, connection.backend()):
                used.close()
                used.close_idle()


@contextmanager
def _configured_again() -> Iterator[None]:
    """Restores what was configured."""
    before = connection.database.obj
    try:
        yield
    finally:
        connection.database.initialize(before)


def _refuse_rows(models: Models, target: str) -> None:
    """A new database has one row, in ``installation``."""
    used = [model for model in models if model.select().limit(2).count() > _rows_when_new(model)]
    if used:
        names = ", ".join(model._meta.table_name for model in used)
        raise NotReadyError(f"{target} already contains data ({names}). Choose an empty database.")


def _rows_when_new(model: type[peewee.Model]) -> int:
    return 1 if model._meta.table_name == "installation" else 0


def _copy_table(model: type[peewee.Model], reader: Backend) -> int:
    if _rows_when_new(model):
        model.delete().execute()
    fields = model._meta.sorted_fields
    columns = [field.column_name for field in fields]
    read, written = hashlib.sha256(), hashlib.sha256()
    count = 0
    for rows in _chunks(model, reader):
        _add(read, rows)
        stored = [list(map(_stored, fields, row)) for row in rows]
        queries.insert_rows(model, columns, stored)
        count += len(rows)
    for rows in _chunks(model, connection.backend()):
        _add(written, rows)
    if read.digest() != written.digest():
        raise NotReadyError(
            f"The table {model._meta.table_name} differs after copying, so nothing was copied."
        )
    if connection.is_postgres():
        postgres_schema.continue_ids(model)
    return count


def _stored(field: peewee.Field, value: Any) -> Any:
    if isinstance(field, peewee.JSONField):
        return json.dumps(value)
    is_blob = isinstance(field, peewee.BlobField) and value is not None
    return bytes(value) if is_blob else field.db_value(value)


def _chunks(model: type[peewee.Model], backend: Backend) -> Iterator[list[tuple[Any, ...]]]:
    """In the order of the primary key."""
    keys = list(model._meta.get_primary_keys())
    places = [model._meta.sorted_field_names.index(key.name) for key in keys]
    rows = model.select().order_by(*keys).limit(_CHUNK).tuples()
    with model.bind_ctx(backend, bind_refs=False, bind_backrefs=False):
        chunk = list(rows.execute(backend))
        while chunk:
            yield chunk
            last = [chunk[-1][place] for place in places]
            chunk = list(rows.where(peewee.Tuple(*keys) > tuple(last)).execute(backend))


def _add(checksum: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    for row in rows:
        checksum.update(repr(list(map(_comparable, row))).encode())


def _comparable(value: Any) -> Any:
    """PostgreSQL returns a memoryview, and JSON with its keys in another order."""
    if isinstance(value, dict):
        return sorted(value.items())
    return bytes(value) if isinstance(value, memoryview) else value


def _parents_first(models: Models) -> list[type[peewee.Model]]:
    ordered: list[type[peewee.Model]] = peewee.sort_models(models)  # type: ignore[attr-defined]  # types-peewee lacks it
    return ordered
