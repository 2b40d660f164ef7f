"""The text of every mail. Delete a golden file to have it written again."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.core.settings import Settings
from invites.factory import create_app
from invites.mail.message import OutgoingMail
from invites.mail.rendering import PersonalLinks, invitation_parts, render
from invites.models import (
    Account,
    Delivery,
    EmailTokenPurpose,
    Invitation,
    Membership,
    SecurityEvent,
)
from invites.people import email_tokens, security_notices
from tests.conftest import NOW
from tests.support.actions import invite
from tests.support.people import make_user

GOLDEN = Path(__file__).parent / "golden"
TOKEN = re.compile(r"\b\d+-[A-Za-z0-9_-]{24}")

NAMES = ["invitation_new", "invitation_known", *EmailTokenPurpose, *SecurityEvent]

Mails = dict[str, OutgoingMail]


@pytest.fixture
def now() -> datetime:
    """A fixed time for the golden files."""
    return NOW


@pytest.fixture
def app(database: Path, settings: Settings) -> Flask:
    """The mail worker's application."""
    return create_app(settings, has_pages=False)


@pytest.fixture
def mails(app: Flask, owner: Membership, account: Account, now: datetime) -> Mails:
    """One mail of each kind, from an account with all settings."""
    account.purpose = "Help call neighbours before the storm season."
    account.assignments_url = "https://tasks.riverside.example/?team=a&b"
    account.assignments_label = "Open the call list"
    account.reply_to = "help@riverside.example"
    account.time_zone = "Pacific/Auckland"
    account.requires_two_step = True
    account.save()
    make_user("Kim Known", "kim@example.org", now)
    invite(owner, now, "new@example.org")
    invite(owner, now, "kim@example.org")
    for purpose in EmailTokenPurpose:
        email_tokens.send_link(owner.user, purpose, owner.user.email, now)
    for event in SecurityEvent:
        security_notices.send(owner.user, event, now)
    with app.app_context():
        mail_context = app.extensions["invites"].mail_context
        rendered = [render(d, mail_context, now) for d in Delivery.select().order_by(Delivery.id)]
    return {name: mail for name, mail in zip(NAMES, rendered, strict=True) if mail}


def test_the_text_of_each_mail_matches_its_golden_file(mails: Mails) -> None:
    for name in NAMES:
        mail = mails[name]
        assert_matches(f"{name}.txt", f"Subject: {mail.subject}\n\n{mail.body}")
        assert_matches(f"{name}.html.txt", str(mail.html))


def assert_matches(file: str, text: str) -> None:
    text = TOKEN.sub("TOKEN", text)
    golden = GOLDEN / file
    if not golden.exists():
        golden.write_text(text)
        pytest.fail(f"{golden.name} was written: read it, and commit it if it is right")
    assert text == golden.read_text()


def test_dates_are_in_the_accounts_time_zone(
    mails: Mails,
) -> None:
    assert "17 Nov 2026" in str(mails["invitation_new"].body)  # 16 Nov, 18:04 in London


def test_a_mail_loads_no_resources(mails: Mails) -> None:
    for mail in mails.values():
        assert not re.search(r"<(img|script|link|iframe)|url\(|@import", str(mail.html))


def test_no_line_of_a_mail_is_longer_than_78_characters(mails: Mails) -> None:
    for mail in mails.values():
        assert max(len(line) for line in mail.as_bytes().split(b"\r\n")) <= 78


def test_names_and_texts_are_escaped_in_html(app: Flask, owner: Membership, now: datetime) -> None:
    account, link = owner.account, "https://box.example/invitation/1-x"
    account.purpose = "<b>Bold</b> & “more”"
    invitation = Invitation(account=account, inviter=owner.user, role=Role.USER, expires_at=now)
    with app.app_context():
        links = app.extensions["invites"].links
        parts = invitation_parts(invitation, PersonalLinks(link, link), links, has_profile=False)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; “more”" in parts.html
    assert "<b>Bold</b> & “more”" in parts.text


@pytest.mark.parametrize("known", [True, False])
def test_without_an_assignments_link_a_mail_links_to_the_account(
    app: Flask, owner: Membership, account: Account, now: datetime, known: bool
) -> None:
    if known:
        make_user("Kim Known", "new@example.org", now)
    invite(owner, now)
    with app.app_context():
        mail = render(Delivery.get(), app.extensions["invites"].mail_context, now)
    assert mail is not None
    for text in (str(mail.body), str(mail.html)):
        assert "assignments" not in text
        assert ("bookmark this link to" if known else "you can open") + " Riverside Relief" in text
        assert "http://127.0.0.1:8000/accounts/riverside-relief/" in text


def test_names_are_not_escaped_in_the_subject(
    app: Flask, owner: Membership, account: Account, now: datetime
) -> None:
    account.name = "Smith & Jones <Ltd>"
    account.save()
    make_user("Kim Known", "new@example.org", now)
    invite(owner, now)
    with app.app_context():
        mail = render(Delivery.get(), app.extensions["invites"].mail_context, now)
    assert mail is not None
    assert mail.subject == "Invitation for Smith & Jones <Ltd>"
    assert "Smith & Jones <Ltd>" in str(mail.body)
