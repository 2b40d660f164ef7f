"""Creates and describes the schema of a PostgreSQL database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import peewee

from invites.db.connection import backend, close, connect, database
from invites.db.faults import NotReadyError

Models = Sequence[type[peewee.Model]]

# Does the same as folding.fold, as far as PostgreSQL can.
_FOLDED = """
    CREATE OR REPLACE FUNCTION folded(given text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN replace(replace(lower(
        regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]', '', 'g')
    ), 'ß', 'ss'), chr(962), chr(963))
"""
_APPEND_ONLY = """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation'; END $$
"""
_SCHEMA = """
    SELECT 'column ' || c.table_name || '.' || c.column_name || ' ' || c.data_type
           || coalesce('(' || c.character_maximum_length || ')', '')
           || CASE c.is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
      FROM information_schema.columns AS c
     WHERE c.table_schema = current_schema() AND c.table_name = ANY(%(names)s)
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
      FROM pg_constraint
     WHERE connamespace = current_schema()::regnamespace
       AND (SELECT relname FROM pg_class WHERE pg_class.oid = conrelid) = ANY(%(names)s)
    UNION ALL
    SELECT replace(indexdef, quote_ident(current_schema()) || '.', '') FROM pg_indexes
     WHERE schemaname = current_schema() AND tablename = ANY(%(names)s)
    UNION ALL
    SELECT 'trigger ' || t.tgname || ' ' || c.relname
      FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
     WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
       AND c.relname = ANY(%(names)s)
"""
_DEFAULTS = {("BOOL", "DEFAULT 0"): "DEFAULT FALSE", ("BLOB", "DEFAULT X''"): "DEFAULT ''"}
_EXPECTED = "invites_expected_schema"


def exists() -> bool:
    """PostgreSQL refuses the connection to a database that doesn't exist."""
    return True


@contextmanager
def migrating() -> Iterator[None]:
    """The transaction that migrates takes the lock of all writers."""
    backend().folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    connect()
    try:
        _refuse_other_encoding()
        yield
    finally:
        close()


def _refuse_other_encoding() -> None:
    ((encoding,),) = database.execute_sql("SHOW server_encoding").fetchall()
    if encoding not in ("UTF8", b"UTF8"):  # bytes from a database without an encoding
        name = encoding if isinstance(encoding, str) else encoding.decode()
        raise NotReadyError(
            f"The encoding of {backend()} is {name}. Create a database with --encoding UTF8 "
            "--template template0, see docs/postgresql.md."
        )


def dangling_tables() -> set[str]:
    """None: PostgreSQL checks foreign keys also while it migrates."""
    return set()


def create(models: Models) -> None:
    """Creates all tables in the current schema."""
    database.execute_sql(_FOLDED)
    database.execute_sql(_APPEND_ONLY)
    for model in models:
        with _without_sqlite(model):
            peewee.SchemaManager(model, database).create_all()
        if getattr(model._meta, "is_append_only", False):
            table = model._meta.table_name
            database.execute_sql(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )


def continue_ids(model: type[peewee.Model]) -> None:
    """New rows get higher ids than all rows that were copied."""
    table = model._meta.table_name
    if isinstance(model._meta.primary_key, peewee.AutoField):
        database.execute_sql(
            f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), max(id)) "  # noqa: S608  # only the name of a table
            f'FROM "{table}"'
        )


@contextmanager
def _without_sqlite(model: type[peewee.Model]) -> Iterator[None]:
    """Without what only SQLite understands: some defaults, and WITHOUT ROWID."""
    meta = model._meta
    constraints = {field: field.constraints for field in meta.sorted_fields if field.constraints}
    without_rowid, meta.without_rowid = meta.without_rowid, False
    for field, given in constraints.items():
        default = _DEFAULTS.get((field.field_type, given[0].sql))
        field.constraints = [peewee.SQL(default)] if default else given
    try:
        yield
    finally:
        meta.without_rowid = without_rowid
        for field, given in constraints.items():
            field.constraints = given


def actual(models: Models) -> set[str]:
    """A line for each column, constraint, index and trigger of ``models``."""
    names = [model._meta.table_name for model in models]
    lines = database.execute_sql(_SCHEMA, {"names": names}).fetchall()
    return {" ".join(line.replace('"', "").split()) for (line,) in lines}


def expected(models: Models) -> set[str]:
    """The lines of ``actual`` for a new database."""
    ((current,),) = database.execute_sql("SELECT quote_ident(current_schema())").fetchall()
    database.execute_sql(f"CREATE SCHEMA {_EXPECTED}")
    database.execute_sql(f"SET LOCAL search_path TO {_EXPECTED}")
    try:
        create(models)
        return actual(models)
    finally:
        database.execute_sql(f"DROP SCHEMA {_EXPECTED} CASCADE")
        database.execute_sql(f"SET LOCAL search_path TO {current}")
