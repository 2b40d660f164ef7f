"""Applies migrations, and refuses a database whose schema this version can't use.

A migration is a file ``NNNN_name.py`` with a function ``up(execute)``; ``execute`` runs one SQL
statement. After its release, a migration never changes: its checksum is stored when it is applied
and compared at every start.
"""

import hashlib
import runpy
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import peewee

from invites.db import postgres_schema, sqlite_schema
from invites.db.connection import (
    backend,
    close,
    connect,
    database,
    folder,
    is_postgres,
    transaction,
)
from invites.db.faults import FaultError, NotReadyError, file_errors
from invites.db.fields import UtcField
from invites.db.health import refuse_damaged

Models = Sequence[type[peewee.Model]]

MIGRATIONS = Path(__file__).parent / "migrations"


def _dialect() -> ModuleType:
    return postgres_schema if is_postgres() else sqlite_schema


class AppliedMigration(peewee.Model):
    name = peewee.CharField(primary_key=True)
    checksum = peewee.CharField(max_length=64)
    applied_at = UtcField()

    class Meta:
        database = database
        legacy_table_names = False


def migrate(models: Models) -> list[str]:
    """Creates the database if needed and applies pending migrations; returns their names.

    Applies all or none, under a lock between processes. Raises NotReadyError if the database can't
    be used, or if the resulting schema differs from that of ``models``.
    """
    with file_errors(), _dialect().migrating(), transaction():
        pending = _pending()
        database.create_tables([AppliedMigration])
        if is_postgres() and not _applied():
            # The migrations up to now are written for SQLite.
            postgres_schema.create(models)
            database.execute_sql("INSERT INTO installation VALUES (1, '', NULL, NULL, '')")
            _record(pending)
        else:
            for migration in pending:
                runpy.run_path(str(migration))["up"](database.execute_sql)
                _record([migration])
        _refuse_dangling_rows()
        _refuse_other_schema(models)
    return [migration.stem for migration in pending]


def refuse_unready() -> None:
    """Raises NotReadyError if the database is missing or doesn't fit this version."""
    pending, applied = [], {}
    with file_errors():
        if _dialect().exists():
            connect()
            try:
                pending, applied = _pending(), _applied()
            finally:
                close()
    if not applied:
        raise NotReadyError(
            f"There is no database yet in {folder()}. "
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


def _applied() -> dict[str, str]:
    """Checksums by name, in order."""
    tables = database.get_tables()
    if not tables:
        return {}
    if AppliedMigration._meta.table_name not in tables:
        raise NotReadyError(
            f"{backend()} was created before Invites 0.1.0 or by another program and can't be "
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


def _record(applied: Sequence[Path]) -> None:
    for migration in applied:
        AppliedMigration.create(
            name=migration.stem, checksum=_checksum(migration), applied_at=datetime.now(UTC)
        )


def _checksum(migration: Path) -> str:
    return hashlib.sha256(migration.read_bytes()).hexdigest()


def _refuse_dangling_rows() -> None:
    dangling = _dialect().dangling_tables()
    if dangling:
        raise NotReadyError(
            f"After the migrations, rows of {', '.join(sorted(dangling))} refer to rows that don't "
            "exist, so nothing was changed. Restore a backup, or report this."
        )


def _refuse_other_schema(models: Models) -> None:
    actual, expected = _dialect().actual(models), _dialect().expected(models)
    if actual != expected:
        missing = "; ".join(sorted(expected - actual)) or "nothing"
        unknown = "; ".join(sorted(actual - expected)) or "nothing"
        raise NotReadyError(
            f"The schema of {backend()} doesn't match this version (missing: {missing}; unknown: "
            f"{unknown}). Nothing was changed. Restore a backup with 'flask restore', or write "
            "a migration if you changed the models."
        )
