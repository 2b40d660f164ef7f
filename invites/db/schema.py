"""Applies migrations, and refuses a database whose schema this version can't use.

A migration is a file ``NNNN_name.py`` with a function ``up(execute)``; ``execute`` runs one SQL
statement. After its release, a migration never changes: its checksum is stored when it is applied
and compared at every start.
"""

import fcntl
import hashlib
import json
import runpy
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import peewee

from invites.db.connection import close, connect, database, path, transaction
from invites.db.faults import FaultError, NotReadyError, file_errors
from invites.db.fields import UtcField
from invites.db.health import refuse_damaged
from invites.db.locks import lock_file

Models = Sequence[type[peewee.Model]]

MIGRATIONS = Path(__file__).parent / "migrations"

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


class AppliedMigration(peewee.Model):
    name = peewee.CharField(primary_key=True)
    checksum = peewee.CharField(max_length=64)
    applied_at = UtcField()

    class Meta:
        database = database
        legacy_table_names = False


def migrate(models: Models) -> list[str]:
    """Creates the file if needed and applies pending migrations; returns their names.

    Applies all or none, under a lock between processes. Raises NotReadyError if the file can't be
    used, or if the resulting schema differs from that of ``models``.
    """
    file = path()
    with file_errors():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with lock_file("migrate") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file.touch(mode=0o600)
            connect()
            try:
                # Otherwise, rebuilding a table would delete the rows that refer to it.
                database.execute_sql("PRAGMA foreign_keys = 0")
                with transaction():
                    pending = _pending()
                    database.create_tables([AppliedMigration])
                    for migration in pending:
                        _apply(migration)
                    _refuse_dangling_rows()
                    _refuse_other_schema(models)
            finally:
                close()
    return [migration.stem for migration in pending]


def refuse_unready() -> None:
    """Raises NotReadyError if the database is missing or doesn't fit this version."""
    file = path()
    with file_errors():
        if file.exists():
            connect()
            try:
                pending, applied = _pending(), _applied()
            finally:
                close()
    if not file.exists() or not applied:
        raise NotReadyError(
            f"There is no database yet in {file.parent}. "
            "Run 'flask migrate' to create one, or set INVITES_DATA to its folder."
        )
    if pending:
        names = ", ".join(migration.stem for migration in pending)
        raise NotReadyError(
            f"The database is older than this version of Invites. Pending migrations: {names}. "
            "Run 'flask migrate', then start again."
        )


def is_sound() -> bool:
    """Whether this is an undamaged database of any version of Invites."""
    try:
        connect()
        refuse_damaged(database.connection())
        return bool(database.table_exists(AppliedMigration))
    except (FaultError, peewee.DatabaseError, sqlite3.DatabaseError):
        return False
    finally:
        close()


def append_only(table: str) -> list[str]:
    """SQL for triggers that refuse to change or delete a row."""
    return [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("update", "delete")
    ]


def _applied() -> dict[str, str]:
    """Checksums by name, in order."""
    tables = database.get_tables()
    if not tables:
        return {}
    if AppliedMigration._meta.table_name not in tables:
        raise NotReadyError(
            f"{path()} was created before Invites 0.1.0 or by another program and can't be "
            "upgraded. Move it elsewhere and run 'flask migrate' to create a new one."
        )
    rows = AppliedMigration.select().order_by(AppliedMigration.name)
    return {row.name: row.checksum for row in rows}


def _pending() -> list[Path]:
    """In order. Raises NotReadyError if applied migrations are unknown or have changed."""
    applied = _applied()
    files = {file.stem: file for file in sorted(MIGRATIONS.glob("[0-9]*.py"))}
    if unknown := [name for name in applied if name not in files]:
        raise NotReadyError(
            "The database is newer than this version of Invites. Unknown migrations: "
            f"{', '.join(unknown)}. Install the version that created it, or a later one."
        )
    if changed := [name for name in applied if applied[name] != _checksum(files[name])]:
        raise NotReadyError(
            f"These migrations have changed since they were applied: {', '.join(changed)}. "
            "Install the version of Invites that created the database."
        )
    return [file for name, file in files.items() if name not in applied]


def _apply(migration: Path) -> None:
    runpy.run_path(str(migration))["up"](database.execute_sql)
    AppliedMigration.create(
        name=migration.stem, checksum=_checksum(migration), applied_at=datetime.now(UTC)
    )


def _checksum(migration: Path) -> str:
    return hashlib.sha256(migration.read_bytes()).hexdigest()


def _refuse_dangling_rows() -> None:
    """Checks what SQLite didn't: migrations run with foreign keys off."""
    dangling = {table for table, *_ in database.execute_sql("PRAGMA foreign_key_check")}
    if dangling:
        raise NotReadyError(
            f"After the migrations, rows of {', '.join(sorted(dangling))} refer to rows that don't "
            "exist, so nothing was changed. Restore a backup, or report this."
        )


def _refuse_other_schema(models: Models) -> None:
    actual, expected = _schema(database, models), _expected_schema(models)
    if actual != expected:
        missing = "; ".join(sorted(expected - actual)) or "nothing"
        unknown = "; ".join(sorted(actual - expected)) or "nothing"
        raise NotReadyError(
            f"The schema of {path()} doesn't match this version (missing: {missing}; unknown: "
            f"{unknown}). Nothing was changed. Restore a backup with 'flask restore', or write "
            "a migration if you changed the models."
        )


def _schema(source: Any, models: Models) -> set[str]:
    """A line for each table, column, foreign key, index and trigger of ``models``."""
    names = json.dumps([model._meta.table_name for model in models])
    lines = source.execute_sql(_SCHEMA, [names]).fetchall()
    return {" ".join(line.replace('"', "").split()) for (line,) in lines}


def _expected_schema(models: Models) -> set[str]:
    memory: Any = peewee.SqliteDatabase(":memory:")
    try:
        for model in models:
            peewee.SchemaManager(model, memory).create_all()
            if getattr(model._meta, "is_append_only", False):
                for statement in append_only(model._meta.table_name):
                    memory.execute_sql(statement)
        return _schema(memory, models)
    finally:
        memory.close()
