"""Templates for bulk mail, and the name in the greeting of an invitation."""

import email
import re
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from invites.core import text_fields
from invites.core.roles import Role
from invites.invitations import send_invitations
from invites.lists.entries import Entry
from invites.mail.bulk_template import LINK, NAME, Addressee, BulkTemplate, Draft, UnsafeMailError
from invites.mail.rendering import render
from invites.models import Delivery, Membership
from invites.sending.worker import Worker
from tests.support.people import make_user
from tests.support.sending_actions import drain
from tests.support.smtp_server import SmtpServer

NAMES = [
    "Ada",
    "Ada Okafor",
    "Jörg Müller-Lüdenscheidt",
    "Seán O'Neil",
    '"Ray" Ben & <Kim>',
    "...leading dots",
    ".",
    "a=b =3D =20",
    "李小龍",
    "Ωmega ✉ 😀",
    "x" * 100,
    "ü" * 100,
    "Q. " * 33,
]
FORM = BulkTemplate(
    Draft(
        Address("Riverside", addr_spec="invites@box.example"),
        "Invitation",
        f"Hello {NAME},\n\n{NAME}\nopen {LINK}\n",
        f"<p>Hello {NAME},</p>\n{NAME}\n<a href='{LINK}'>open</a>\n",
        {},
    )
)


def filled(name: str) -> bytes:
    return FORM.fill(
        Addressee(
            "ada@example.org",
            "<1@box.example>",
            "Mon, 02 Nov 2026 18:04:11 +0000",
            "https://b/1",
            name=name,
        )
    )


def said(raw: bytes) -> tuple[str, str]:
    message = email.message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    text, html = message.iter_parts()
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def assert_says(raw: bytes, name: str) -> None:
    text, html = said(raw)
    assert text == f"Hello {name},\n\n{name}\nopen https://b/1\n"
    assert "<p>Hello " in html
    assert "<Kim>" not in html
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert not any(line.startswith(b".") for line in lines)
    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_arrives_unchanged(name: str) -> None:
    assert_says(filled(name.strip()), name.strip())


@given(st.text(max_size=120))
def test_what_passes_as_a_name_cannot_break_a_mail(text: str) -> None:
    name = text_fields.name_or_nothing(text)
    if name:
        assert_says(filled(name), name)


def test_a_name_is_text_in_html() -> None:
    _text, html = said(filled('Ben & <Kim> "Ray" O\'Neil'))
    assert "<p>Hello Ben &amp; &lt;Kim&gt; &#34;Ray&#34; O&#39;Neil,</p>" in html


@pytest.mark.parametrize("name", ["Ada\r\nBcc: ben@example.org", "Ada\r.", "\n.\n", "a\u2028b"])
def test_a_line_break_in_a_name_is_refused(name: str) -> None:
    with pytest.raises(UnsafeMailError):
        filled(name)


def test_an_account_name_may_contain_joiners_as_in_persian() -> None:
    name = "\u0627\u0646\u062c\u0645\u0646 \u0645\u06cc\u200c\u062e\u0648\u0627\u0646\u06cc\u0645"
    sender = Address(text_fields.clean_name(name), addr_spec="invites@box.example")
    letter = BulkTemplate(Draft(sender, f"Invitation for {name}", LINK, LINK, {}))
    raw = letter.fill(Addressee("ada@example.org", "<1@box.example>", "now", "https://b/1"))
    message = email.message_from_bytes(raw, policy=SMTP)
    assert message["From"].addresses[0].display_name == name
    assert message["Subject"] == f"Invitation for {name}"


def invite_by_names(owner: Membership, now: datetime, **names: str) -> None:
    entries = [
        Entry(f"{who}@example.org", row, name) for row, (who, name) in enumerate(names.items())
    ]
    send_invitations.send(
        owner, send_invitations.InvitationRequest("names", entries, Role.USER), now
    )


def test_people_with_a_name_in_the_list_are_greeted_with_it(
    smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
) -> None:
    make_user("Kim Known", "kim@example.org", now)
    names = {"ann": "Ann", "kim": "Kim O'Neil", "dot": ".hidden Ünal", "none": ""}
    invite_by_names(owner, now, **names)
    drain(worker)
    for who, name in names.items():
        text, html = said(smtp_server.to(f"{who}@example.org").as_bytes(policy=SMTP))
        if name:
            assert text.startswith(f"Hello {name},\n\nOlive Martin invites you")
            assert f"<p>Hello {name.replace(chr(39), '&#39;')},</p>" in html
        else:
            assert "Hello" not in text + html
            assert text.startswith("Olive Martin invites you")


def test_a_single_mail_has_the_same_greeting_as_bulk_mail(
    smtp_server: SmtpServer,
    worker: Worker,
    mailing_app: Callable[..., Flask],
    owner: Membership,
    now: datetime,
) -> None:
    invite_by_names(owner, now, ann="Ann <3 & 'Ben'")
    app = mailing_app()
    with app.app_context():
        alone = render(Delivery.get(), app.extensions["invites"].mail_context, now)
    assert alone is not None
    drain(worker)
    arrived = smtp_server.to("ann@example.org").as_bytes(policy=SMTP)
    assert said(alone.as_bytes()) == said(arrived)
