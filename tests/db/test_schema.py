"""Migrations, and what is refused at start."""

import hashlib
import json
import multiprocessing
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from invites import db
from invites.db import NotReadyError, schema
from invites.db.schema import AppliedMigration
from invites.models import TABLES, DeliveryOutcome

ROWS = Path(__file__).with_name("rows_0001.sql")

# Databases hold these checksums: a released migration never changes. Add a line for a new one.
FROZEN = {
    "0001_initial": "49104141f4d291068f06d61d9919b0044d42d669ee4042ce19691326a58b7baf",
    "0002_moderator_limit": "ffb8a9b13e1a60ac033b51e00f50a2fec1212187742bf1b4b697ea3c5196040d",
    "0003_list_encoding": "e9db6f2a671d1b734d3fbb4f27d61e609fa0e1c35b300c42dddaa7478fb2ce70",
    "0004_no_profile_outcome": "3692df8a65b81ce5defff33ae22a522f5c0e1ae4a664b287e04aa76c9744641f",
    "0005_installation": "5517dbc276f4b69bb676ae936f399deb71e73c7720c47d82531255988ac99e4b",
    "0006_claims": "40bbbd3450d21f3841cc9a40e94f7f5c011d02c6f5cc40cda9156b7f7a4a7d9e",
    "0007_other_cells": "0134241dc0e709302227bb53cf70da24b3a13405f6b2bc2dea6bca14e7ed0e4f",
}


def run_migrate():
    return schema.migrate(TABLES)


USES = [schema.refuse_unready, run_migrate]


def test_released_migrations_never_change():
    files = sorted(schema.MIGRATIONS.glob("*.py"))
    assert {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == FROZEN


def test_migrating_a_second_time_does_nothing(tmp_path):
    db.configure(tmp_path / "new" / "invites.sqlite3")
    assert schema.migrate(TABLES) == list(FROZEN)
    assert schema.migrate(TABLES) == []


def migrate(path, start, results):
    db.configure(path)
    start.wait()
    results.put(schema.migrate(TABLES))


@pytest.mark.slow
def test_of_several_processes_that_migrate_at_once_only_one_does(tmp_path):
    fork = multiprocessing.get_context("forkserver")
    start, results = fork.Barrier(4), fork.Queue()
    arguments = (tmp_path / "invites.sqlite3", start, results)
    processes = [fork.Process(target=migrate, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    applied = [results.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len([names for names in applied if names]) == 1
    db.configure(tmp_path / "invites.sqlite3")
    schema.refuse_unready()


def test_a_migrated_database_is_ready(database):
    schema.refuse_unready()


@pytest.mark.parametrize("is_there", [False, True])
def test_a_missing_database_is_refused_with_what_to_do(tmp_path, is_there):
    file = tmp_path / "invites.sqlite3"
    if is_there:
        file.touch()
    db.configure(file)
    with pytest.raises(NotReadyError, match=r"no database yet in .*Run 'flask migrate'"):
        schema.refuse_unready()
    assert file.exists() == is_there


def test_an_old_schema_is_refused_with_what_to_do(database, tmp_path, monkeypatch):
    add_migration(monkeypatch, tmp_path, "pass")
    with pytest.raises(NotReadyError, match=r"older than this .*9998_more.*'flask migrate'"):
        schema.refuse_unready()
    assert schema.migrate(TABLES) == ["9998_more"]
    schema.refuse_unready()


@pytest.mark.parametrize("use", USES)
def test_a_schema_newer_than_the_code_is_refused_with_what_to_do(database, use):
    AppliedMigration.create(name="9999_later", checksum="", applied_at=datetime.now(UTC))
    with pytest.raises(NotReadyError, match=r"newer than this version .*9999_later.*Install"):
        use()


@pytest.mark.parametrize("use", USES)
def test_a_migration_that_changed_after_it_was_applied_is_refused_with_what_to_do(database, use):
    first = AppliedMigration.name == "0001_initial"
    AppliedMigration.update(checksum="another").where(first).execute()
    with pytest.raises(NotReadyError, match=r"have changed .*: 0001_initial\. Install the version"):
        use()


@pytest.mark.parametrize("use", USES)
def test_a_database_from_before_the_first_release_is_refused_and_left_alone(tmp_path, use):
    file = tmp_path / "invites.sqlite3"
    old = sqlite3.connect(file)
    old.execute("CREATE TABLE schema_migration (id INTEGER, name TEXT, applied TEXT)")
    old.execute("INSERT INTO schema_migration VALUES (1, '0001_initial', '2026-01-01')")
    old.execute("CREATE TABLE account (id INTEGER, name TEXT)")
    old.execute("INSERT INTO account VALUES (1, 'Riverside Relief')")
    old.commit()
    before = list(old.iterdump())
    old.close()
    db.configure(file)
    with pytest.raises(NotReadyError, match=r"created before Invites 0\.1\.0 .* Move it"):
        use()
    old = sqlite3.connect(file)
    assert list(old.iterdump()) == before
    old.close()


CHANGES = {
    "a missing table": "DROP TABLE worker_status",
    "a missing column": "ALTER TABLE worker_status DROP COLUMN outage",
    "another column": "ALTER TABLE worker_status ADD COLUMN trouble TEXT",
    "another name": "ALTER TABLE worker_status RENAME COLUMN outage TO trouble",
    "another type": """
        DROP TABLE worker_status;
        CREATE TABLE worker_status (
            id INTEGER NOT NULL PRIMARY KEY, seen_at TEXT NOT NULL, outage VARCHAR(500) NOT NULL
        )
    """,
    "NULL allowed": """
        DROP TABLE worker_status;
        CREATE TABLE worker_status (
            id INTEGER NOT NULL PRIMARY KEY, seen_at INTEGER, outage VARCHAR(500) NOT NULL
        )
    """,
    "another default": """
        DROP TABLE worker_status;
        CREATE TABLE worker_status (
            id INTEGER NOT NULL PRIMARY KEY,
            seen_at INTEGER NOT NULL DEFAULT 0,
            outage VARCHAR(500) NOT NULL
        )
    """,
    "a missing foreign key": """
        DROP TABLE authenticator;
        CREATE TABLE authenticator (
            id INTEGER NOT NULL PRIMARY KEY,
            user_id INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            confirmed_at INTEGER,
            last_step INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX authenticator_user_id ON authenticator (user_id)
    """,
    "a missing index": "DROP INDEX batch_state",
    "another index": "CREATE INDEX account_name ON account (name)",
    "an index that isn't unique": """
        DROP INDEX account_slug;
        CREATE INDEX account_slug ON account (slug)
    """,
    "an index of other rows": """
        DROP INDEX delivery_sending;
        CREATE INDEX delivery_sending ON delivery (state) WHERE (state = 'sent')
    """,
    "a missing trigger": "DROP TRIGGER audit_entry_no_update",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_schema_that_differs_from_the_models_is_refused_with_what_to_do(database, change):
    db.database.connection().executescript(change)
    with pytest.raises(NotReadyError, match=r"doesn't match this version .* Restore a backup"):
        schema.migrate(TABLES)


def test_tables_of_other_programs_in_the_same_file_do_not_matter(database):
    db.database.execute_sql("CREATE TABLE _replication (id INTEGER)")
    assert schema.migrate(TABLES) == []


def test_when_the_result_is_refused_no_migration_was_applied(database, tmp_path, monkeypatch):
    add_migration(monkeypatch, tmp_path, "execute('ALTER TABLE account ADD COLUMN motto TEXT')")
    with pytest.raises(NotReadyError, match=r"unknown: column account\.motto TEXT"):
        schema.migrate(TABLES)
    assert "motto" not in columns("account")
    assert [row.name for row in AppliedMigration.select()] == list(FROZEN)


def test_a_migration_that_fails_changes_nothing(database, tmp_path, monkeypatch):
    add_migration(monkeypatch, tmp_path, "execute('DROP TABLE mail_throttle'); execute('nonsense')")
    with pytest.raises(NotReadyError, match="nonsense"):
        schema.migrate(TABLES)
    db.connect()
    assert columns("mail_throttle")


def test_a_table_can_be_rebuilt_without_losing_the_rows_that_refer_to_it(tmp_path, monkeypatch):
    file = release_0_1_0(tmp_path, monkeypatch)
    add_migration(
        monkeypatch,
        tmp_path,
        """
    (made,) = execute("SELECT sql FROM sqlite_master WHERE name = 'staged_list'").fetchone()
    indexes = execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'staged_list' AND type = 'index'"
    ).fetchall()
    execute(made.replace("staged_list", "rebuilt", 1))
    execute("INSERT INTO rebuilt SELECT * FROM staged_list")
    execute("DROP TABLE staged_list")
    execute("ALTER TABLE rebuilt RENAME TO staged_list")
    for (index,) in indexes:
        execute(index)
""",
    )
    before = rows_of(file)
    schema.migrate(TABLES)
    after = rows_of(file)
    for table, rows in before.items():
        for row, old in zip(after[table], rows, strict=True):
            assert row | old == row  # later migrations added columns


def test_a_migration_that_leaves_rows_without_their_account_changes_nothing(tmp_path, monkeypatch):
    file = release_0_1_0(tmp_path, monkeypatch)
    before = rows_of(file)
    add_migration(monkeypatch, tmp_path, "execute('DELETE FROM account')")
    with pytest.raises(NotReadyError, match="rows that don't exist"):
        schema.migrate(TABLES)
    assert rows_of(file) == before


def test_an_upgrade_from_the_oldest_release_keeps_all_rows(tmp_path, monkeypatch):
    file = release_0_1_0(tmp_path, monkeypatch)
    before = rows_of(file)
    assert all(before.values()), "a table without rows proves nothing"
    monkeypatch.undo()
    schema.migrate(TABLES)
    schema.refuse_unready()
    after = rows_of(file)
    for table, rows in before.items():
        assert len(after[table]) == len(rows)
        for row, upgraded in zip(rows, after[table], strict=True):
            kept = row.keys() & upgraded.keys()
            assert {name: upgraded[name] for name in kept} == {name: row[name] for name in kept}
    db.connect()
    assert not db.database.execute_sql("PRAGMA foreign_key_check").fetchall()
    for model in set(TABLES) - {DeliveryOutcome}:  # empty unless a worker is sending
        assert list(model.select())
    db.close()


def test_an_uploaded_list_no_longer_tells_who_has_a_profile(tmp_path, monkeypatch):
    file = release_0_1_0(tmp_path, monkeypatch)
    counts = '{"invite": 1, "invite_profile": 2, "member": 1}'
    with sqlite3.connect(file) as old:
        old.execute("UPDATE staged_list SET counts = ?", [counts])
        old.execute("UPDATE staged_row SET outcome = 'invite_profile'")
    schema.migrate(TABLES)
    after = rows_of(file)
    assert json.loads(after["staged_list"][0]["counts"]) == {"invite": 3, "member": 1}
    assert {row["outcome"] for row in after["staged_row"]} == {"invite"}


def release_0_1_0(tmp_path, monkeypatch):
    """A database as version 0.1.0 made it, with rows in every table."""
    only_first = tmp_path / "only-first"
    only_first.mkdir()
    shutil.copy(schema.MIGRATIONS / "0001_initial.py", only_first)
    file = tmp_path / "invites.sqlite3"
    db.configure(file)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", only_first)
        patch.setattr(schema, "_refuse_other_schema", lambda _models: None)
        schema.migrate(TABLES)
    old = sqlite3.connect(file)
    old.executescript(ROWS.read_text())
    old.close()
    return file


def rows_of(file):
    opened = sqlite3.connect(file)
    opened.row_factory = sqlite3.Row
    names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    rows = {
        name: [dict(row) for row in opened.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2')]
        for (name,) in names
        if name != "applied_migration"
    }
    opened.close()
    return rows


def add_migration(monkeypatch, tmp_path, body):
    newer = shutil.copytree(schema.MIGRATIONS, tmp_path / "migrations")
    (newer / "9998_more.py").write_text(f"def up(execute):\n    {body}\n")
    monkeypatch.setattr(schema, "MIGRATIONS", newer)


def columns(table):
    return {row[1] for row in db.database.execute_sql(f"PRAGMA table_info({table})")}


@pytest.mark.parametrize("use", USES)
def test_a_file_that_is_not_a_database_is_refused_with_what_to_do(tmp_path, use):
    file = tmp_path / "invites.sqlite3"
    file.write_text("no database, though long enough to be taken for one" * 100)
    db.configure(file)
    with pytest.raises(NotReadyError, match=r"not a database.*flask restore"):
        use()


def test_a_damaged_database_is_not_backed_up(database, tmp_path):
    damage(database)
    with pytest.raises(NotReadyError, match="damaged"):
        db.backup(tmp_path / "copy.sqlite3")


def test_only_an_undamaged_database_of_invites_is_sound(database, tmp_path):
    db.close()
    assert schema.is_sound()
    db.connect()
    damage(database)
    assert not schema.is_sound()
    sqlite3.connect(tmp_path / "other.sqlite3").execute(
        "CREATE TABLE thing (id)"
    ).connection.close()
    db.configure(tmp_path / "other.sqlite3")
    assert not schema.is_sound()


def damage(file):
    """Damages the index of a table, which copying its pages doesn't notice."""
    db.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    page = db.database.execute_sql(
        "SELECT rootpage FROM sqlite_master WHERE name = 'account'"
    ).fetchone()[0]
    db.close()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\xff" * 4096)


@pytest.mark.parametrize("use", USES)
def test_an_impossible_folder_is_refused_with_what_to_do(tmp_path, use):
    (tmp_path / "file").touch()
    db.configure(tmp_path / "file" / "invites.sqlite3")
    with pytest.raises(NotReadyError, match="INVITES_DATA"):
        use()


def test_the_folder_of_the_database_is_readable_by_its_owner_only(tmp_path):
    db.configure(tmp_path / "new" / "invites.sqlite3")
    assert not (tmp_path / "new").exists()
    schema.migrate(TABLES)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "invites.sqlite3").stat().st_mode & 0o777 == 0o600
