"""An installation whose database is a PostgreSQL server, with real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import peewee
import psycopg
import pytest

from invites import db
from invites.cli import readiness
from invites.core.clock import utcnow
from invites.core.settings import PROJECT_ROOT, Settings, SettingsError, load_settings
from invites.db import Fault
from invites.db.health import Monitor
from invites.models import TABLES, Delivery, Membership, UnsubscribedAddress, User
from tests.support import postgres as postgres_support
from tests.support import preloaded
from tests.support.actions import send
from tests.support.postgres import PostgresServer, needs_postgres, sqlite_only
from tests.support.scripted_smtp_server import ScriptedServer
from tests.support.sending_actions import SENT, people, states, wait_for

pytestmark = [pytest.mark.slow, sqlite_only, needs_postgres]

MAILS = 300
CONNECTIONS = 4


class Installation:
    """Its commands run as an operator would run them."""

    def __init__(self, data: Path, url: str) -> None:
        self.url = url
        self.data = data
        self.environ = {"INVITES_DATA": str(data), "INVITES_DATABASE": url}

    def flask(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        known = {name: value for name, value in os.environ.items() if "INVITES_" not in name}
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app.py", *arguments],
            env=known | self.environ,
            cwd=PROJECT_ROOT,
            input=typed,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def crashing_postgres() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may kill."""
    with postgres_support.running() as server:
        yield server


@pytest.fixture
def installation(crashing_postgres: PostgresServer, tmp_path: Path) -> Iterator[Installation]:
    """An installation that Olive has set up."""
    installation = Installation(tmp_path / "data", crashing_postgres.create("invites"))
    assert "Applied 0001_initial." in installation.flask("migrate").stdout
    setup = "setup --account Riverside --name Olive --email olive@example.org --password-stdin"
    done = installation.flask(*setup.split(), typed="a long secret phrase")
    assert done.returncode == 0, done.stderr
    db.configure(installation.url, folder=installation.data)
    yield installation
    db.close()
    db.database.obj.close_idle()


def test_migrating_again_changes_nothing(installation: Installation) -> None:
    assert installation.flask("migrate").stdout == "The database is up to date.\n"


def test_the_address_can_choose_a_schema(
    installation: Installation, crashing_postgres: PostgresServer
) -> None:
    url = crashing_postgres.create("shared")
    with psycopg.connect(url) as admin:
        admin.execute('CREATE SCHEMA "my-app"')
    installation.environ["INVITES_DATABASE"] = f"{url}&options=-csearch_path%3D%22my-app%22"
    assert "Applied 0001_initial." in installation.flask("migrate").stdout
    assert installation.flask("migrate").stdout == "The database is up to date.\n"
    with psycopg.connect(url) as admin:
        found = admin.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'delivery'")
        assert found.fetchall() == [("my-app",)]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_with_another_encoding_is_refused(
    installation: Installation, crashing_postgres: PostgresServer, encoding: str
) -> None:
    crashing_postgres.admin.execute(
        f"CREATE DATABASE other TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
    )
    installation.environ["INVITES_DATABASE"] = crashing_postgres.url("other")
    done = installation.flask("migrate")
    assert done.returncode == 1
    assert f"is {encoding}. Create a database with --encoding UTF8" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_message_is_lost_when_the_server_crashes_and_few_arrive_twice(
    installation: Installation, crashing_postgres: PostgresServer, tmp_path: Path
) -> None:
    with ScriptedServer(delay=0.01).listening() as mail_server:
        environ = installation.environ | {
            "INVITES_MAIL_SERVER": "127.0.0.1",
            "INVITES_MAIL_PORT": str(mail_server.port),
        }
        db.connect()
        send(Membership.get(), utcnow(), *people(MAILS))
        with preloaded.worker(environ, tmp_path / "log") as worker:
            wait_for(lambda: len(mail_server.received) > MAILS // 3)
            db.close()
            crashing_postgres.crash_and_restart()
            assert worker.wait(30) == 1
        assert "The connection to the database was lost." in (tmp_path / "log").read_text()
        with preloaded.worker(environ, tmp_path / "log"):
            db.database.obj.close_idle()
            wait_for(lambda: states() == {SENT: MAILS})
    assert set(mail_server.recipients) == set(people(MAILS))
    assert len(set(mail_server.received)) == MAILS  # duplicates have the same Message-ID


def test_a_second_worker_waits_until_the_first_ends(
    installation: Installation, tmp_path: Path
) -> None:
    """Also on another machine, which has a data folder of its own."""
    other = {**installation.environ, "INVITES_DATA": str(tmp_path / "other")}
    (tmp_path / "other").mkdir(mode=0o700)
    key = (installation.data / "secret.key").read_text()
    (tmp_path / "other" / "secret.key").write_text(key)
    first_log, second_log = tmp_path / "first", tmp_path / "second"
    with preloaded.worker(installation.environ, first_log) as first:
        wait_for(lambda: "mail worker started" in first_log.read_text())
        with preloaded.worker(other, second_log):
            wait_for(lambda: "waits until another mail worker ends" in second_log.read_text())
            assert "mail worker started" not in second_log.read_text()
            first.kill()
            wait_for(lambda: "mail worker started" in second_log.read_text())


def test_a_worker_that_loses_only_its_lock_ends(
    installation: Installation, crashing_postgres: PostgresServer, tmp_path: Path
) -> None:
    """Another worker may have taken the lock."""
    log = tmp_path / "log"
    with preloaded.worker(installation.environ, log) as worker:
        wait_for(lambda: "mail worker started" in log.read_text())
        crashing_postgres.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'Invites worker'"
        )
        assert worker.wait(30) == 1
    assert "The connection to the database was lost." in log.read_text()


def test_each_web_server_has_its_own_data_folder(
    installation: Installation, tmp_path: Path
) -> None:
    def of(data: Path) -> Settings:
        data.mkdir(exist_ok=True)
        return load_settings(installation.environ | {"INVITES_DATA": str(data)})

    with readiness.only_web_server(of(installation.data)):
        db.configure(installation.url, folder=tmp_path / "other")
        with readiness.only_web_server(of(tmp_path / "other")):
            pass


def test_a_transaction_that_waits_too_long_for_others_fails_and_the_next_one_works(
    installation: Installation,
) -> None:
    db.connect()
    db.database.execute_sql("SET lock_timeout = '50ms'")
    with psycopg.connect(installation.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        with pytest.raises(peewee.OperationalError) as failed, db.transaction():
            pass
        assert db.fault_of(failed.value) is Fault.BUSY
        assert User.get().name == "Olive"
    with db.transaction():
        assert User.update(name="Olivia").execute() == 1


def test_a_transaction_sees_what_others_committed_while_it_waited_for_them(
    installation: Installation, crashing_postgres: PostgresServer
) -> None:
    """Even if the administrator chose another isolation for the whole database."""
    crashing_postgres.admin.execute(
        "ALTER DATABASE invites SET default_transaction_isolation TO 'repeatable read'"
    )
    db.database.obj.close_idle()

    def read_name() -> str:
        db.connect()
        with db.transaction():
            name = User.get().name
        db.close()
        return name

    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(installation.url) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        name = thread.submit(read_name)
        wait_for(lambda: crashing_postgres.admin.execute(waiting).fetchone() is not None)
        other.execute("""UPDATE "user" SET name = 'Olivia'""")
        other.commit()
        assert name.result() == "Olivia"


def test_the_null_character_which_postgresql_can_not_store_is_replaced(
    installation: Installation,
) -> None:
    db.connect()
    db.insert_rows(UnsubscribedAddress, ["account_id", "email", "created_at"], [(1, "a\0b", 1)])
    assert UnsubscribedAddress.get().email == "a\ufffdb"
    email = UnsubscribedAddress.email
    found = db.lookup(["a\0b"], email)
    assert db.read(found, [email]) == [("a\ufffdb",)]
    assert UnsubscribedAddress.select().where(db.among(email, ["a\0b"])).count() == 1


def test_a_backup_is_a_sqlite_file_that_can_be_moved_to_a_new_server(
    installation: Installation, crashing_postgres: PostgresServer, tmp_path: Path
) -> None:
    done = installation.flask("backup", str(tmp_path / "backups"))
    assert done.returncode == 0, done.stderr
    [backup] = (tmp_path / "backups").iterdir()
    assert sorted(path.name for path in backup.iterdir()) == ["invites.sqlite3", "secret.key"]

    refused = installation.flask("restore", str(backup))
    assert refused.returncode == 1
    assert "flask copy-database" in refused.stderr

    url = crashing_postgres.create("restored")
    copied = installation.flask("copy-database", str(backup / "invites.sqlite3"), url)
    assert copied.stdout.startswith("Copied "), copied.stderr
    db.configure(url, folder=installation.data)
    assert User.get().email == "olive@example.org"


def test_the_health_check_notices_that_the_server_is_gone_and_back(
    installation: Installation,
    crashing_postgres: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("invites.db.health._WRITE_EVERY", 0.0)
    monitor = Monitor()
    assert monitor.fault() is None
    crashing_postgres.stop()
    assert monitor.fault() is Fault.UNREACHABLE
    done = installation.flask("migrate")
    assert done.returncode == 1
    assert "can't be reached" in done.stderr
    assert "Traceback" not in done.stderr
    crashing_postgres.start()
    assert monitor.fault() is None


def test_every_table_is_created(installation: Installation) -> None:
    db.connect()
    assert {model._meta.table_name for model in TABLES} <= set(db.database.get_tables())
    assert Delivery.select().count() == 0


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match="must be the address of a PostgreSQL database"):
        load_settings({"INVITES_DATABASE": "mysql://invites@db.example.org/invites"})


def test_an_address_as_some_providers_write_it_is_accepted() -> None:
    settings = load_settings({"INVITES_DATABASE": "postgres://invites@db.example.org/invites"})
    assert settings.database == "postgresql://invites@db.example.org/invites"


@pytest.mark.parametrize("password", ["hunter%2", "hunter%sx", "hunter/2", "hunter@2", "12/hunter"])
def test_a_password_that_must_be_encoded_is_refused_without_telling_it(password: str) -> None:
    url = f"postgresql://invites:{password}@db.example.org/invites"
    with pytest.raises(SettingsError, match="percent code") as refused:
        load_settings({"INVITES_DATABASE": url})
    assert "hunter" not in str(refused.value)


def test_no_message_tells_the_password() -> None:
    url = "postgresql://invites:hunter2@db.example.org/invites"
    name = str(db.connection.open_backend(url, Path("/nowhere")))
    assert name == "The PostgreSQL database invites at db.example.org"
