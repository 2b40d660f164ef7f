"""The command flask bounces."""

import mailbox
import os
import signal
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from invites import db
from invites.cli import bounces
from invites.core.secret_key import FILE_NAME
from invites.core.settings import Settings, load_settings
from invites.factory import create_app
from invites.models import Delivery, DeliveryKind, DeliveryState
from tests.bounces.test_reading import KEY, sample
from tests.conftest import NOW
from tests.support.imap_server import ImapServer
from tests.support.smtp_fixtures import CERTIFICATE

pytestmark = pytest.mark.slow


@pytest.fixture
def database(database: Path) -> Path:
    """A database with the key that signed the Message-IDs of the samples."""
    database.with_name(FILE_NAME).write_text(KEY)
    return database


@pytest.fixture(autouse=True)
def _mail(app: Flask) -> None:
    """The delivery that the samples are about."""
    fields = {"kind": DeliveryKind.INVITATION, "priority": 20, "due_at": NOW, "created_at": NOW}
    Delivery.create(id=1207, recipient="kim@example.org", state=DeliveryState.SENT, **fields)


class Pipe(BytesIO):
    """Standard input that records whether it was read to its end."""

    is_empty = False

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.is_empty = not found
        return found

    read1 = read


def run(app: Flask, *options: str, typed: bytes | Pipe = b"") -> Result:
    db.close()
    return app.test_cli_runner().invoke(args=["bounces", *options], input=typed)


def state() -> str:
    return Delivery.get_by_id(1207).state


class TestFromAPipe:
    def test_a_bounce_is_recorded(self, app):
        done = run(app, typed=sample("postfix"))
        assert (done.exit_code, done.output) == (0, "1 message: 1 bounced\n")
        assert state() == DeliveryState.BOUNCED

    @pytest.mark.parametrize("name", ["vacation", "reply", "spam", "delivered"])
    def test_other_messages_are_accepted_so_that_the_mail_server_does_not_return_them(
        self, app, name
    ):
        done = run(app, typed=sample(name))
        assert (done.exit_code, done.output) == (0, "1 message: 1 ignored\n")
        assert state() == DeliveryState.SENT

    def test_empty_input_is_accepted(self, app):
        assert run(app).exit_code == 0

    def test_a_huge_message_is_read_to_its_end(self, app):
        pipe = Pipe(sample("postfix") + b"x" * 20_000_000)
        assert run(app, typed=pipe).exit_code == 0
        assert pipe.is_empty
        assert state() == DeliveryState.BOUNCED

    def test_a_report_that_comes_too_early_is_to_be_tried_again(self, app):
        Delivery.update(state=DeliveryState.SENDING).execute()
        done = run(app, typed=sample("postfix"))
        assert done.exit_code == 75
        assert "still being sent" in done.output

    def test_without_a_usable_database_the_mail_server_is_asked_to_try_again(self, app, settings):
        settings.database_path.write_bytes(b"not a database" * 99)
        done = run(app, typed=sample("postfix"))
        assert done.exit_code == 75
        assert len(done.output.splitlines()) == 1

    def test_with_an_old_database_the_mail_server_is_asked_to_try_again(self, tmp_path):
        empty = create_app(load_settings({"INVITES_DATA": str(tmp_path / "empty")}))
        done = run(empty, typed=sample("postfix"))
        assert done.exit_code == 75
        assert "flask migrate" in done.output


class TestFromAMailbox:
    @pytest.fixture
    def maildir(self, tmp_path: Path) -> Path:
        box = mailbox.Maildir(tmp_path / "Maildir", create=True)
        for name in ("postfix", "vacation", "delayed"):
            box.add(sample(name))
        return tmp_path / "Maildir"

    def test_the_result_is_one_line(self, app, maildir):
        done = run(app, "--maildir", str(maildir))
        assert done.output == "3 messages: 1 bounced, 1 delayed, 1 ignored\n"
        assert run(app, "--maildir", str(maildir)).output == "0 messages\n"
        assert len(mailbox.Maildir(maildir)) == 3

    def test_verbose_output_gives_the_reason_for_each_message(self, app, maildir):
        Delivery.update(state=DeliveryState.SENDING).execute()
        lines = run(app, "--maildir", str(maildir), "--verbose").output.splitlines()
        assert len(lines) == 4
        assert lines[-1] == "3 messages: 1 delayed, 1 ignored, 1 too early"
        results = {line.partition(": ")[2] for line in lines[:-1]}
        assert results == {
            "too early, that email is still being sent (email 1207 to kim@example.org)",
            "delayed, it may still arrive (email 1207 to kim@example.org)",
            "ignored, not a report about an email from Invites",
        }

    def test_a_report_that_comes_too_early_stays_unread(self, app, maildir):
        Delivery.update(state=DeliveryState.SENDING).execute()
        assert "1 too early" in run(app, "--maildir", str(maildir)).output
        Delivery.update(state=DeliveryState.SENT).execute()
        assert run(app, "--maildir", str(maildir)).output == "1 message: 1 bounced\n"

    def test_without_a_usable_database_everything_stays_unread(self, app, maildir, settings):
        good = settings.database_path.read_bytes()
        settings.database_path.write_bytes(b"not a database" * 99)
        assert run(app, "--maildir", str(maildir)).exit_code == 75
        settings.database_path.write_bytes(good)
        assert run(app, "--maildir", str(maildir)).output.startswith("3 messages")

    def test_an_mbox_is_read(self, app, tmp_path):
        box = mailbox.mbox(tmp_path / "mbox")
        box.add(sample("exim"))
        box.close()
        assert run(app, "--mbox", str(tmp_path / "mbox")).output == "1 message: 1 bounced\n"
        assert run(app, "--mbox", str(tmp_path / "mbox")).output == "0 messages\n"

    def test_a_signal_unlocks_the_mbox_and_keeps_what_was_read(self, app, tmp_path, monkeypatch):
        box = mailbox.mbox(tmp_path / "mbox")
        box.add(sample("exim"))
        box.add(sample("vacation"))
        box.close()
        process, told = bounces.process, []

        def told_to_stop(*message):
            if told:
                os.kill(os.getpid(), signal.SIGTERM)
            told.append(message)
            return process(*message)

        with monkeypatch.context() as patch:
            patch.setattr(bounces, "process", told_to_stop)
            done = run(app, "--mbox", str(tmp_path / "mbox"))
        assert done.exit_code == 75
        assert done.output.startswith("1 message: 1 bounced\n")
        assert "Stopped on request" in done.output
        assert [path.name for path in tmp_path.glob("mbox*")] == ["mbox"]
        assert run(app, "--mbox", str(tmp_path / "mbox")).output == "1 message: 1 ignored\n"

    def test_an_imap_folder_is_read(self, settings, tls, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        imap_server = ImapServer()
        imap_server.put(sample("gmail"), sample("vacation"))
        with imap_server.open(tls) as port:
            reading = imap_app(settings, port, imap_server.password)
            assert run(reading, "--imap").output == "2 messages: 1 bounced, 1 ignored\n"
            assert run(reading, "--imap").output == "0 messages\n"
            assert run(reading, "--imap", "--delete").output == "0 messages\n"
        assert state() == DeliveryState.BOUNCED
        assert len(imap_server.messages) == 2

    def test_results_before_an_error_are_reported_too(self, settings, tls, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        imap_server = ImapServer()
        imap_server.put(sample("gmail"), sample("vacation"))
        imap_server.broken.add(max(imap_server.messages))
        with imap_server.open(tls) as port:
            done = run(imap_app(settings, port, imap_server.password), "--imap")
        assert done.exit_code == 1
        told = done.output.splitlines()
        assert told[0] == "1 message: 1 bounced"
        assert "It can't be read" in told[1]

    def test_a_mailbox_that_cannot_be_read_is_reported_in_one_line(self, app, settings, tmp_path):
        for done in (
            run(app, "--maildir", str(tmp_path / "none")),
            run(app, "--mbox", str(tmp_path / "none")),
            run(imap_app(settings, 9, "secret"), "--imap"),
        ):
            assert done.exit_code == 1
            assert "can't be used" in done.output
            assert len(done.output.splitlines()) == 1
            assert "secret" not in done.output
            assert "Errno" not in done.output

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--imap"], "INVITES_BOUNCES_IMAP_SERVER"),
            (["--imap", "--mbox", "x"], "Choose one"),
            (["--delete"], "--delete needs"),
        ],
    )
    def test_contradicting_options_are_refused(self, app, options, words):
        done = run(app, *options)
        assert done.exit_code == 2
        assert words in done.output


def imap_app(settings: Settings, port: int, password: str) -> Flask:
    prefix = "INVITES_BOUNCES_IMAP"
    return create_app(
        load_settings(
            {
                "INVITES_DATA": str(settings.data),
                f"{prefix}_SERVER": "127.0.0.1",
                f"{prefix}_PORT": str(port),
                f"{prefix}_USERNAME": "invites@example.org",
                f"{prefix}_PASSWORD": password,
            }
        )
    )
