"""The command report-failure: what a failed service leads to."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.core.secret_key import make_secret_key
from invites.core.settings import MailServer, Settings
from invites.factory import create_app
from invites.models import Membership, User
from tests.cli.running import run
from tests.support.people import People
from tests.support.smtp_server import SmtpServer, free_port


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    with SmtpServer().open() as smtp_server:
        yield smtp_server


@pytest.fixture(autouse=True)
def _installer(settings: Settings, people: People) -> None:
    make_secret_key(settings.data)
    owner = people[Role.OWNER].user
    owner.is_installer = True
    owner.save()


def sending_through(settings: Settings, port: int) -> Flask:
    server = MailServer("127.0.0.1", port, None, None, use_tls=False, use_ssl=False)
    return create_app(replace(settings, mail_server=server))


def test_the_installers_are_emailed_and_nobody_else(
    settings: Settings, owner: Membership, smtp_server: SmtpServer
) -> None:
    assert User.select().count() > 1
    done = run(sending_through(settings, smtp_server.port), "report-failure", "invites-backup")
    assert done.exit_code == 0, done.output
    assert smtp_server.recipients == [owner.user.email]
    mail = smtp_server.to(owner.user.email)
    assert mail["Subject"] == "invites-backup failed"
    assert "journalctl -u invites-backup" in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize("has_server", [True, False])
def test_without_an_email_the_journal_says_that_nobody_knows(
    settings: Settings, has_server: bool
) -> None:
    app = sending_through(settings, free_port()) if has_server else create_app(settings)
    done = run(app, "report-failure", "invites-backup")
    assert done.exit_code == 1
    assert "invites-backup failed. No " in done.output
