"""The settings of an account, and the preview of its mails."""

import re
from datetime import timedelta

import pytest
from time_machine import travel

from invites.core.clock import utcnow
from invites.models import Account
from tests.support.browsing import Browser
from tests.support.populated_account import ACCOUNT

PAGE = f"{ACCOUNT}/settings"
GOOD = {
    "name": "Smith, Jones & Co",
    "purpose": "Help call neighbours before the storm season.",
    "assignments_url": "https://tasks.example/?a=1&b=2",
    "assignments_label": "Open the call list",
    "reply_to": "Help@Example.org",
    "time_zone": "Europe/Paris",
}


def test_an_admin_changes_all_settings(ada: Browser) -> None:
    ada.open(f"{ACCOUNT}/").follow("Settings").press("Save settings", **GOOD)
    account = Account.get(Account.slug == "riverside-relief")
    stored = {name: getattr(account, name) for name in GOOD}
    assert stored == GOOD | {"reply_to": "help@example.org"}
    assert "Smith, Jones & Co" in ada.open(f"{ACCOUNT}/").text


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ""),
        ("name", "Riverside https://evil.example"),
        ("name", "Riverside\u202e"),
        ("name", "mail@evil.example"),
        ("purpose", "Click www.evil.example"),
        ("purpose", "x" * 201),
        ("assignments_url", "http://tasks.example/"),
        ("assignments_url", "javascript:alert(1)"),
        ("assignments_url", "https://user:pass@evil.example/"),
        ("assignments_label", "x" * 61),
        ("reply_to", "nobody"),
        ("reply_to", "a@example.org\u2028Bcc: b@example.org"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
    ],
)
def test_an_invalid_value_is_refused_and_everything_typed_is_kept(
    ada: Browser, field: str, wrong: str
) -> None:
    typed = GOOD | {field: wrong}
    ada.open(PAGE).press("Save settings", **typed)
    assert ada.status == 422
    assert ada.page.select_one(f"#{field}-error")
    for name in set(GOOD) - {"time_zone"}:
        assert ada.page.select_one(f"#{name}")["value"] == typed[name]
    assert Account.get(Account.slug == "riverside-relief").name == "Riverside Relief"


def test_times_are_shown_in_the_accounts_zone(ada: Browser, olive: Browser) -> None:

    ada.open(PAGE).press("Save settings", **GOOD | {"time_zone": "Pacific/Auckland"})
    tomorrow = utcnow() + timedelta(days=1)
    with travel(tomorrow.replace(hour=10, minute=15), tick=False):
        olive.open(f"{ACCOUNT}/invitations/new").press("Send Invitation", email="a@example.org")
        olive.press("Send Invitation")
        assert re.search(r"\b2[23]:15\b", olive.open(f"{ACCOUNT}/").text)


@pytest.mark.parametrize(("kind", "subject"), [("new", "View the invitation"), ("known", "Log in")])
def test_both_invitation_mails_have_a_sandboxed_preview(
    ada: Browser, account: Account, kind: str, subject: str
) -> None:
    account.purpose = "Help call neighbours."
    account.save()
    frame = ada.open(PAGE).page.select_one(f'iframe[src="{PAGE}/mails/{kind}"]')
    assert frame.has_attr("sandbox")
    assert "frame-src 'self'" in ada.response.headers["Content-Security-Policy"]
    mail = ada.open(frame["src"]).response
    assert "Help call neighbours." in mail.text
    assert subject in mail.text
    policy = mail.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "/invitation/" not in mail.text


def test_other_kinds_of_mail_have_no_preview(ada: Browser) -> None:
    assert ada.open(f"{PAGE}/mails/other").status == 404


def test_the_assignments_link_has_a_default_label(olive: Browser) -> None:
    olive.open(f"{ACCOUNT}/settings").press("Save settings", **GOOD | {"assignments_label": ""})
    assert "See your assignments" in olive.open(f"{ACCOUNT}/").text
