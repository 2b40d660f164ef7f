"""The command doctor: what it finds, and what it says to do."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email.headerregistry import Address
from pathlib import Path
from threading import Event

import pytest

from invites import db
from invites.cli import mail_checks
from invites.core.clock import utcnow
from invites.core.settings import MailServer, Settings
from invites.db import faults, health
from invites.db.schema import AppliedMigration
from invites.factory import create_app
from invites.mail_check import sender_domain
from invites.members import installation
from invites.outbox import heartbeat
from tests.cli.running import error_of, run
from tests.support.faults import damage
from tests.support.name_server import NameServer
from tests.support.people import People
from tests.support.postgres import sqlite_only
from tests.support.server import environment
from tests.support.smtp_server import SmtpServer, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Requiring AUTH"),  # of the test server
]

RECORDS = {
    "example.org": [b"v=spf1 mx -all"],
    "_dmarc.example.org": [b"v=DMARC1; p=none"],
}


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    with SmtpServer().open(asks_password=True) as smtp_server:
        yield smtp_server


@pytest.fixture(autouse=True)
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    name_server = NameServer(RECORDS)
    with name_server.listening() as resolver:
        monkeypatch.setattr(sender_domain, "system_resolver", lambda: resolver)
        yield name_server


class Report:
    def __init__(self, settings: Settings) -> None:
        done = run(create_app(settings, has_pages=False), "doctor")
        self.exit_code = done.exit_code
        self.lines = done.output.splitlines()
        assert done.exception is None or isinstance(done.exception, SystemExit)
        statuses = [line.split()[0] for line in self.lines]
        assert set(statuses) <= {"ok", "warning", "problem"}, done.output
        assert self.exit_code == ("problem" in statuses)

    def about(self, subject: str) -> str:
        """The only line about this subject."""
        (line,) = [line for line in self.lines if line[9:].startswith(f"{subject}: ")]
        return line

    def subjects(self) -> set[str]:
        return {line[9:].partition(":")[0] for line in self.lines}


def sending(settings: Settings, port: int, password: str = "right") -> Settings:
    server = MailServer("127.0.0.1", port, "ida", password, use_tls=False, use_ssl=False)
    sender = Address("Riverside", addr_spec="invites@example.org")
    return replace(settings, mail_server=server, mail_from=sender)


def test_where_everything_works_every_line_is_ok_and_no_email_is_sent(
    settings: Settings, people: People, smtp_server: SmtpServer
) -> None:
    heartbeat.record(utcnow())
    installation.record_backup(utcnow())
    public = {"base_url": "https://invites.example.org", "trusted_proxies": 1}
    report = Report(replace(sending(settings, smtp_server.port), **public))
    assert {line.split()[0] for line in report.lines} == {"ok"}, report.lines
    assert report.subjects() | {"Database integrity"} == {
        *("Settings", "Reverse proxy", "Data folder", "Disk space", "Database schema"),
        *("Database integrity", "Secret key", "Clock", "Backup", "Mail worker", "Mail server"),
        "DNS of the sender",
    }
    assert "Logged in as ida" in report.about("Mail server")
    assert smtp_server.received == []


@sqlite_only
class TestDatabase:
    def test_before_the_first_migration_it_says_how_to_begin(self, settings: Settings) -> None:
        report = Report(settings)
        for subject in ("Data folder", "Database schema", "Secret key"):
            assert report.about(subject).startswith("problem")
            assert "flask migrate" in report.about(subject)
        assert not settings.data.exists()

    def test_damage_is_found(self, settings: Settings, database: Path) -> None:
        damage(database, "recovery_codes")
        found = Report(settings).about("Database integrity")
        assert found.startswith("problem")
        assert "Restore a backup" in found

    def test_a_file_that_is_no_database_is_reported(
        self, settings: Settings, database: Path
    ) -> None:
        db.close()
        database.write_bytes(b"no database" * 1000)
        report = Report(settings)
        assert "is damaged" in report.about("Database schema")
        assert "Not checked" in report.about("Clock, backup and mail worker")

    def test_a_locked_database_is_reported_within_seconds(
        self, settings: Settings, database: Path
    ) -> None:
        db.close()
        with closing(sqlite3.connect(database)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            before = time.monotonic()
            assert "is locked by another process" in Report(settings).about("Database schema")
        assert time.monotonic() - before < 15

    @pytest.mark.usefixtures("database")
    def test_pending_migrations_are_reported(self, settings: Settings) -> None:
        AppliedMigration.delete().where(AppliedMigration.name.startswith("0007")).execute()
        report = Report(settings)
        assert "Run 'flask migrate'" in report.about("Database schema")
        assert report.about("Database integrity").startswith("ok")


def test_a_postgresql_server_that_is_down_is_reported(settings: Settings) -> None:
    report = Report(replace(settings, database_url=f"postgresql://127.0.0.1:{free_port()}/invites"))
    assert "can't be reached" in report.about("Database schema")
    assert not {"Database integrity", "Clock", "Backup", "Mail worker"} & report.subjects()


class TestDataFolder:
    @sqlite_only
    def test_a_file_that_the_user_of_the_folder_cannot_write_is_a_problem(
        self, settings: Settings, database: Path
    ) -> None:
        if os.geteuid() == 0:
            os.chown(database, 1, 1)
        else:
            database.chmod(0o400)
        assert f"{database} can't be written" in Report(settings).about("Data folder")

    @sqlite_only
    def test_a_file_that_sqlite_deletes_meanwhile_is_no_problem(
        self, settings: Settings, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = database.with_name("invites.sqlite3-shm.gone")
        listed = [*settings.data.iterdir(), gone]
        monkeypatch.setattr(Path, "iterdir", lambda _folder: iter(listed))
        assert Report(settings).about("Data folder").startswith("ok")

    @sqlite_only
    def test_a_database_that_others_can_read_is_warned_of(
        self, settings: Settings, database: Path
    ) -> None:
        settings.data.chmod(0o755)
        database.chmod(0o644)
        found = Report(settings).about("Data folder")
        assert found.startswith("warning")
        assert f"chmod 700 {settings.data}" in found

    @pytest.mark.usefixtures("database")
    @pytest.mark.parametrize(
        ("module", "limit", "status"),
        [(faults, "_MIN_FREE", "problem"), (health, "_LOW", "warning")],
    )
    def test_a_disk_that_is_full_or_almost_is_reported(
        self,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        module: object,
        limit: str,
        status: str,
    ) -> None:
        monkeypatch.setattr(module, limit, 2**60)
        found = Report(settings).about("Disk space")
        assert found.startswith(status)
        assert "Free some space" in found


@pytest.mark.usefixtures("people")
class TestSecretKey:
    def test_the_key_of_another_installation_is_a_problem(self, settings: Settings) -> None:
        installation.remember_keys(["another"])
        assert "not the one that this database was used" in Report(settings).about("Secret key")

    def test_a_lost_key_is_a_problem(self, settings: Settings) -> None:
        (settings.data / "secret.key").unlink()
        assert "Restore that file from a backup" in Report(settings).about("Secret key")

    def test_a_short_key_is_a_problem(self, settings: Settings) -> None:
        (settings.data / "secret.key").write_text("secret")
        assert "short enough to be guessed" in Report(settings).about("Secret key")

    def test_a_key_that_others_can_read_is_a_problem(self, settings: Settings) -> None:
        (settings.data / "secret.key").chmod(0o644)
        found = Report(settings).about("Secret key")
        assert found.startswith("problem")
        assert "chmod 600" in found


def test_a_clock_behind_the_data_is_a_problem(settings: Settings, database: Path) -> None:
    heartbeat.record(utcnow() + timedelta(hours=1))
    found = Report(settings).about("Clock")
    assert found.startswith("problem")
    assert "Set the clock" in found


def test_what_became_of_the_last_backup_is_told(settings: Settings, database: Path) -> None:
    assert Report(settings).about("Backup").startswith("warning  Backup: No backup was ever made")
    db.connect()
    installation.record_backup(utcnow() - timedelta(days=4))
    assert Report(settings).about("Backup").startswith("problem  Backup: The last one was made on")
    db.connect()
    installation.record_failed_backup(utcnow(), "/backups: No space left.")
    assert "/backups: No space left." in Report(settings).about("Backup")


def test_a_worker_that_does_not_run_or_cannot_send_is_told(
    settings: Settings, database: Path
) -> None:
    assert Report(settings).about("Mail worker").startswith("problem")
    db.connect()
    heartbeat.record(utcnow(), "421 Too many connections")
    found = Report(settings).about("Mail worker")
    assert found.startswith("warning")
    assert "421 Too many connections" in found


@pytest.mark.usefixtures("database")
class TestMail:
    def test_without_a_mail_server_it_says_where_emails_wait(self, settings: Settings) -> None:
        report = Report(settings)
        assert report.about("Mail server").startswith("warning")
        assert "/mailbox" in report.about("Mail server")
        assert "DNS of the sender" not in report.subjects()

    def test_a_wrong_password_is_a_problem_with_advice(
        self, settings: Settings, smtp_server: SmtpServer
    ) -> None:
        found = Report(sending(settings, smtp_server.port, "wrong-word")).about("Mail server")
        assert found.startswith("problem")
        assert "The user name or the password is wrong" in found
        assert "wrong-word" not in found

    def test_a_server_that_is_down_is_a_problem(self, settings: Settings) -> None:
        found = Report(sending(settings, free_port())).about("Mail server")
        assert found.startswith("problem")
        assert "Connection refused" in found

    def test_a_server_that_never_answers_holds_up_nothing(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answered = Event()
        monkeypatch.setattr(mail_checks, "try_login", lambda *_: answered.wait(20))
        monkeypatch.setattr(mail_checks, "_NETWORK_TIME", 0.5)
        before = time.monotonic()
        assert "wasn't reached in time" in Report(sending(settings, 25)).about("Mail server")
        assert time.monotonic() - before < 10
        answered.set()

    def test_an_unreachable_name_server_is_only_a_warning(
        self, settings: Settings, name_server: NameServer
    ) -> None:
        name_server.is_silent = True
        lines = [line for line in Report(sending(settings, free_port())).lines if "DNS of" in line]
        assert [line.split()[0] for line in lines] == ["warning", "warning"]
        assert "DNS didn't answer" in lines[0]

    def test_a_sender_that_nobody_can_look_up_is_warned_of(self, settings: Settings) -> None:
        local = Address("Invites", "invites", "localhost")
        found = Report(replace(sending(settings, free_port()), mail_from=local))
        assert "Set INVITES_MAIL_FROM" in found.about("DNS of the sender")


@pytest.mark.usefixtures("database")
class TestSettings:
    def test_unknown_settings_are_warned_of(self, settings: Settings) -> None:
        found = Report(replace(settings, unknown_names=("INVITES_DATTA",))).about("Settings")
        assert found.startswith("warning")
        assert "Did you mean INVITES_DATA?" in found

    @pytest.mark.parametrize(
        ("base_url", "status", "words"),
        [
            ("https://i.example.org", "problem", "Set INVITES_TRUSTED_PROXIES"),
            ("http://i.example.org", "warning", "isn't encrypted"),
        ],
    )
    def test_an_address_without_a_proxy_or_encryption_is_reported(
        self, settings: Settings, base_url: str, status: str, words: str
    ) -> None:
        report = Report(replace(settings, base_url=base_url))
        assert report.about("Reverse proxy").startswith(status)
        assert words in report.about("Reverse proxy")
        assert report.about("Settings").startswith("ok")

    def test_a_setting_that_cannot_be_used_is_told_in_one_line(self, tmp_path: Path) -> None:
        env = environment(tmp_path) | {"INVITES_BIND": "nowhere"}
        assert "INVITES_BIND must be an address and a port" in error_of(env, "flask", "doctor")
