"""The database: migrations, moments, transactions."""

import multiprocessing
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import OperationalError
from playhouse.schema_diff import diff_models

from invites import db
from invites.db import UtcField, schema
from invites.db.schema import NotReadyError
from invites.models import Account, Delivery, Invitation, Row, User
from tests.support.actions import invite, reread
from tests.support.people import make_user

moments = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]),
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  # the strategy adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
)


def table(name):
    return db.database.execute_sql(f"PRAGMA table_info({name})").fetchall()


def test_the_migrations_make_the_tables_that_the_models_describe(database):
    assert not diff_models(db.database.obj, Row.__subclasses__())


def test_the_migrations_make_the_same_columns_as_the_models(database, tmp_path):
    names = [model._meta.table_name for model in Row.__subclasses__()]
    migrated = {name: {(c[1], c[3], c[5]) for c in table(name)} for name in names}
    db.close()
    (tmp_path / "from-models.sqlite3").touch()
    db.configure(tmp_path / "from-models.sqlite3")
    db.connect()
    db.database.create_tables(Row.__subclasses__())
    assert {name: {(c[1], c[3], c[5]) for c in table(name)} for name in names} == migrated


def test_migrating_a_second_time_does_nothing(tmp_path):
    db.configure(tmp_path / "new" / "invites.sqlite3")
    assert schema.migrate()
    assert schema.migrate() == []


def migrate(path, start, results):
    db.configure(path)
    start.wait()
    results.put(schema.migrate())


@pytest.mark.slow
def test_of_several_processes_that_migrate_at_once_one_does_it(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(4), spawn.Queue()
    arguments = (tmp_path / "invites.sqlite3", start, results)
    processes = [spawn.Process(target=migrate, args=arguments) for _ in range(4)]
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
def test_where_there_is_no_database_yet_it_says_how_to_make_one(tmp_path, is_there):
    file = tmp_path / "invites.sqlite3"
    if is_there:
        file.touch()
    db.configure(file)
    with pytest.raises(NotReadyError, match=r"no database yet in .*Run 'flask migrate'"):
        schema.refuse_unready()
    assert file.exists() == is_there


def test_an_old_schema_is_refused_with_what_to_do(database, tmp_path, monkeypatch):
    newer = shutil.copytree(schema.MIGRATIONS, tmp_path / "migrations")
    (newer / "9998_more.py").write_text("def up(migrator, db): pass\n")
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    with pytest.raises(schema.NotReadyError, match=r"older than this .*9998_more.*'flask migrate'"):
        schema.refuse_unready()
    assert schema.migrate() == ["9998_more"]
    schema.refuse_unready()


@pytest.mark.parametrize("use", [schema.refuse_unready, schema.migrate])
def test_a_schema_newer_than_the_code_is_refused_with_what_to_do(database, use):
    db.database.execute_sql(
        "INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')"
    )
    with pytest.raises(
        schema.NotReadyError, match=r"newer than this version .*9999_later.*Install"
    ):
        use()


@pytest.mark.parametrize("use", [schema.refuse_unready, schema.migrate])
def test_a_file_that_is_no_database_is_refused_with_what_to_do(tmp_path, use):
    file = tmp_path / "invites.sqlite3"
    file.write_text("no database, though long enough to be taken for one" * 100)
    db.configure(file)
    with pytest.raises(NotReadyError, match=r"not a database.*flask restore"):
        use()


def test_a_damaged_database_is_not_backed_up_as_if_it_were_whole(database, tmp_path):
    damage(database)
    with pytest.raises(NotReadyError, match="damaged"):
        schema.backup(tmp_path / "copy.sqlite3")


def test_only_an_undamaged_database_of_ours_is_sound(database, tmp_path):
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
    """Break the index of a table, which a copy of the pages wouldn't notice."""
    db.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    page = db.database.execute_sql(
        "SELECT rootpage FROM sqlite_master WHERE name = 'account'"
    ).fetchone()[0]
    db.close()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\xff" * 4096)


@pytest.mark.parametrize("use", [schema.refuse_unready, schema.migrate])
def test_a_folder_that_cannot_be_is_refused_with_what_to_do(tmp_path, use):
    (tmp_path / "file").touch()
    db.configure(tmp_path / "file" / "invites.sqlite3")
    with pytest.raises(NotReadyError, match="INVITES_DATA"):
        use()


def test_a_database_that_goes_missing_is_not_made_anew(database):
    db.close()
    database.unlink()
    with pytest.raises(OperationalError, match="unable to open"):
        db.connect()
    assert not database.exists()


def test_the_folder_of_the_database_is_made_for_its_owner_only(tmp_path):
    db.configure(tmp_path / "new" / "invites.sqlite3")
    assert not (tmp_path / "new").exists()
    schema.migrate()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "invites.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("durable", "synchronous", "patience"), [(True, 2, 30_000), (False, 1, 5_000)]
)
def test_the_connection_is_safe_and_patient(database, durable, synchronous, patience):
    db.close()
    db.configure(database, durable=durable)
    db.connect()

    def pragma(name):
        return db.database.execute_sql(f"PRAGMA {name}").fetchone()[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == patience
    assert pragma("synchronous") == synchronous


@given(moments)
def test_a_moment_comes_back_from_the_table_to_the_microsecond(moment):
    back = UtcField().python_value(UtcField().db_value(moment))
    assert back == moment
    assert back.tzinfo is UTC


@given(moments, moments)
def test_moments_sort_alike_in_the_table(one, other):
    field = UtcField()
    assert (one < other) == (field.db_value(one) < field.db_value(other))


def test_no_moment_stays_no_moment():
    assert UtcField().db_value(None) is None
    assert UtcField().python_value(None) is None


def test_a_moment_without_a_time_zone_is_an_error():
    with pytest.raises(ValueError, match="needs a time zone"):
        UtcField().db_value(datetime(2026, 1, 1))  # noqa: DTZ001  # on purpose


def test_a_moment_is_the_same_in_a_row(account, now):
    moment = now.astimezone(timezone(timedelta(hours=5)))
    Account.update(created_at=moment).execute()
    assert reread(account).created_at == now
    assert Account.get(Account.created_at == moment) == account


class Interruption(Exception):
    """Something went wrong in the middle."""


def fail_halfway(now):
    with db.transaction():
        make_user("Ben", "ben@example.org", now)
        raise Interruption


def test_a_transaction_is_all_or_nothing(database, now):
    with pytest.raises(Interruption):
        fail_halfway(now)
    assert User.select().count() == 0


def test_a_transaction_in_another_can_fail_alone(database, now):
    with db.transaction():
        make_user("Ada", "ada@example.org", now)
        with pytest.raises(Interruption):
            fail_halfway(now)
    assert [user.name for user in User.select()] == ["Ada"]


def test_what_cannot_even_be_rolled_back_is_an_error_of_the_database(database):
    def write():
        with db.plain_sql():
            db.close()
            raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(OperationalError, match="disk"):
        write()


def test_a_transaction_takes_the_write_lock_at_once(database):
    other = sqlite3.connect(database, timeout=0)
    with db.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_reader_is_not_kept_waiting_by_a_writer(account, database):
    other = sqlite3.connect(database, timeout=0)
    with db.transaction():
        Account.update(name="Changed").execute()
        assert other.execute("SELECT name FROM account").fetchone() == ("Riverside Relief",)
    other.close()


def test_a_row_that_others_need_cannot_go(owner, now):
    invite(owner, now)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        db.delete(Invitation).execute()
    assert Delivery.select().count() == 1


def test_one_of_many_values_is_found_however_many_they_are(account):
    slugs = [f"{n}'\"" for n in range(50_000)]
    assert Account.select().where(db.among(Account.slug, slugs)).count() == 0
    assert Account.select().where(db.among(Account.slug, [*slugs, account.slug])).get() == account


def test_an_id_too_large_for_the_database_is_one_that_is_not_there(account):
    assert db.one(Account.select().where(Account.id == account.id)) == account
    assert db.one(Account.select().where(Account.id == 10**30)) is None


@pytest.mark.parametrize(
    ("name", "searched"),
    [
        ("MÜLLER", "müller"),
        ("Muller", "müller"),
        ("Mu\u0308ller", "MÜLLER"),
        ("Straße", "STRASSE"),
        ("Ὀδυσσεύς", "οδυσσευς"),
        ("İstanbul", "istanbul"),
        ("\uff26ull", "full"),
        ("100 %_'", "%_'"),
        ("anything", ""),
    ],
)
def test_a_search_minds_neither_case_nor_accents(database, now, name, searched):
    make_user(name, "somebody@example.org", now)
    assert User.select().where(db.contains(User.name, searched)).exists()
    assert not User.select().where(db.contains(User.name, f"{searched}~")).exists()


@pytest.mark.usefixtures("database")
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_each_of_any_texts_is_looked_up(texts):
    user = User.create(
        name="", email=uuid4().hex, phone="", password_hash="", created_at=datetime.now(UTC)
    )
    found = db.read(db.each([*texts, user.email], User.email), [User.id, User.created_at])
    assert found == [(user.id, User.created_at.db_value(user.created_at))]
