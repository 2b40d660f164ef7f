"""Creates and describes the schema of a SQLite database."""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peewee

from invites.db.connection import backend, close, connect, database, place
from invites.db.locks import lock_file

Models = Sequence[type[peewee.Model]]

# Only the tables of the models, because replication tools add tables of their own.
_SCHEMA = """
    WITH ours AS (SELECT * FROM sqlite_master WHERE tbl_name IN (SELECT value FROM json_each(?))),
         tables AS (SELECT * FROM ours WHERE type = 'table')
    SELECT 'table ' || name || iif(sql LIKE '%WITHOUT ROWID%', ' without rowid', '') FROM tables
    UNION ALL
    SELECT 'column ' || t.name || '.' || c.name || ' ' || c.type
           || iif(c."notnull", ' not null', '') || ifnull(' default ' || c.dflt_value, '')
           || iif(c.pk, ' primary key ' || c.pk, '')
      FROM tables AS t, pragma_table_info(t.name) AS c
    UNION ALL
    SELECT 'foreign key ' || t.name || '.' || k."from" || ' to ' || k."table" || '.' || k."to"
           || ' on update ' || k.on_update || ' on delete ' || k.on_delete
      FROM tables AS t, pragma_foreign_key_list(t.name) AS k
    UNION ALL
    SELECT sql FROM ours WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
"""


def exists() -> bool:
    return Path(place()).exists()


@contextmanager
def migrating() -> Iterator[None]:
    """Creates the file if needed, and keeps other processes from migrating it."""
    folder, file = backend().folder, Path(place())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock_file("migrate") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file.touch(mode=0o600)
        connect()
        try:
            # Otherwise, rebuilding a table would delete the rows that refer to it.
            database.execute_sql("PRAGMA foreign_keys = 0")
            yield
        finally:
            close()


def dangling_tables() -> set[str]:
    """Tables whose rows refer to rows that don't exist: migrations run with foreign keys off."""
    return {table for table, *_ in database.execute_sql("PRAGMA foreign_key_check")}


def append_only(table: str) -> list[str]:
    """SQL for triggers that refuse to change or delete a row."""
    return [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("update", "delete")
    ]


def actual(models: Models) -> set[str]:
    """A line for each table, column, foreign key, index and trigger of ``models``."""
    return _lines(database, models)


def expected(models: Models) -> set[str]:
    """The lines of ``actual`` for a new database."""
    memory: Any = peewee.SqliteDatabase(":memory:")
    try:
        for model in models:
            peewee.SchemaManager(model, memory).create_all()
            if getattr(model._meta, "is_append_only", False):
                for statement in append_only(model._meta.table_name):
                    memory.execute_sql(statement)
        return _lines(memory, models)
    finally:
        memory.close()


def _lines(source: Any, models: Models) -> set[str]:
    names = json.dumps([model._meta.table_name for model in models])
    lines = source.execute_sql(_SCHEMA, [names]).fetchall()
    return {" ".join(line.replace('"', "").split()) for (line,) in lines}
