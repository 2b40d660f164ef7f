"""Every place that takes an address agrees on what is one, and on its canonical form."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import pytest
from flask import Flask
from wtforms import EmailField

from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.invitations import classify
from invites.lists import files
from invites.lists.email_field import read_field
from invites.lists.entries import Entry
from invites.members import accounts
from invites.members.accounts import AccountSettings
from invites.models import EmailToken, Membership
from invites.people import email_tokens, passwords, profiles
from invites.web import rate_limits
from invites.web.form_limits import FORM, read_form
from invites.web.forms import PlainForm
from tests.support.address_inputs import INPUTS, is_list_syntax
from tests.support.people import make_user

Found = dict[str, str | None]

ADDRESSES = {address for address in INPUTS.values() if address}


def accepted(rule: Callable[[str], str]) -> Found:
    """The address that ``rule`` makes of each input, or None if it refuses it."""
    found: Found = {}
    for text in INPUTS:
        try:
            found[text] = rule(text)
        except RuleError:
            found[text] = None
    return found


def test_there_are_enough_inputs():
    assert len(INPUTS) >= 200


def test_the_canonical_form_is_the_expected_one():
    assert accepted(addresses.canonical) == INPUTS


@pytest.fixture
def no_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skips the costly checks of passwords, which are not what this is about."""
    monkeypatch.setattr(passwords, "check_acceptable", lambda *_args, **_named: None)
    monkeypatch.setattr(passwords, "hash_password", lambda _password: "")
    monkeypatch.setattr(passwords, "check_correct", lambda *_args: None)


@pytest.mark.usefixtures("no_passwords")
def test_new_profiles():
    assert accepted(lambda text: profiles.prepare("Ada", text, "").email) == INPUTS


@pytest.mark.usefixtures("database")
def test_logging_in_and_asking_for_a_new_password(now: datetime):
    for address in ADDRESSES:
        make_user("Ada", address, now)
    found = {text: profiles.find(text) for text in INPUTS}
    assert {text: user and user.email for text, user in found.items()} == INPUTS


@pytest.mark.usefixtures("no_passwords")
def test_changing_ones_address(owner: Membership, now: datetime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(email_tokens, "_MAX_PER_HOUR", 10_000)
    monkeypatch.setattr(email_tokens, "_MAX_PER_DAY", 10_000)

    def change(text: str) -> str:
        profiles.change_email(owner.user, text, "", now)
        return EmailToken.select().order_by(EmailToken.id.desc()).get().email

    assert accepted(change) == INPUTS


def test_the_address_for_replies(owner: Membership, now: datetime):
    usual = AccountSettings("Riverside Relief", "", "", "", "", "UTC")

    def change(text: str) -> str:
        accounts.change_settings(owner, replace(usual, reply_to=text), now)
        return owner.account.reply_to

    nothing = {text: "" for text in INPUTS if not text.strip()}  # it is optional
    assert accepted(change) == INPUTS | nothing


def fields() -> Iterable[tuple[type[PlainForm], str]]:
    """Every field of a form that takes an address, by form and name."""
    forms = [*PlainForm.__subclasses__()]
    for form in forms:
        forms += form.__subclasses__()
        for name in dir(form):
            if getattr(getattr(form, name), "field_class", None) is EmailField:
                yield form, name


def test_every_form(app: Flask):
    found = {}
    with app.test_request_context("/"):
        for form_class, name in fields():
            form = form_class(meta={"csrf": False})
            field = form[name]
            is_checked = {}
            for text in INPUTS:
                field.data, field.raw_data = text, [text]
                is_checked[text] = field.validate(form)
            found[f"{form_class.__name__}.{name}"] = is_checked
    expected = {text: address is not None for text, address in INPUTS.items()}
    optional = expected | {text: True for text in INPUTS if not text.strip()}
    # The login refuses later, with the same words for every reason: see the test above.
    unchecked = dict.fromkeys(INPUTS, True)
    assert found == {
        "AskForm.email": expected,
        "EmailForm.email": expected,
        "JoinForm.email": expected,
        "LoginForm.email": unchecked,
        "MailTestForm.email": expected,
        "SettingsForm.reply_to": optional,
        "SetupForm.email": expected,
    }


def test_limits_count_every_spelling_of_an_address_together(app: Flask):
    for text, address in INPUTS.items():
        with app.test_request_context("/login", method="POST", data={"email": text}):
            read_form(FORM)
            assert rate_limits._typed_email() in (address, text[:254] if not address else "")


def test_limits_count_both_addresses_of_a_gmail_mailbox_together(app: Flask):
    for email in ("kim@gmail.com", "kim@googlemail.com"):
        with app.test_request_context("/login", method="POST", data={"email": email}):
            read_form(FORM)
            assert rate_limits._typed_email() == "kim@gmail.com"


def test_setting_up_from_the_command_line(app: Flask):
    found = {}
    for text in INPUTS:
        if "\0" in text:  # no command line can hold it
            continue
        options = ["--account", "", "--name", "", "--email", text, "--password-stdin"]
        done = app.test_cli_runner().invoke(args=["setup", *options])
        assert "--account" in done.output
        found[text] = "--email" not in done.output
    assert found == {text: INPUTS[text] is not None for text in found}


def agrees(text: str, entries: list[Entry]) -> bool:
    """Whether a list made of ``text`` alone finds the same as a field for one address.

    Out of what is no address as a whole, a list may pick one.
    """
    readings = classify.read_all(entries)
    found = [email for email, problem, _ in readings if problem is not Reason.ADDRESS_MISSING]
    if INPUTS[text]:
        return found == [INPUTS[text]]
    return is_list_syntax(text) or not any(found)


def test_typed_lists():
    assert [text for text in INPUTS if not agrees(text, read_field(text))] == []


def test_csv_files():
    cells = [text for text in INPUTS if "\0" not in text]
    out = io.StringIO()
    csv.writer(out).writerows([["Email", "Note"], *([cell, "x"] for cell in cells)])
    table = files.read(out.getvalue().encode())
    entries = table.entries(table.choice())
    assert len(entries) == len(cells)
    assert [t for t, entry in zip(cells, entries, strict=True) if not agrees(t, [entry])] == []


def test_files_of_contacts():
    values = [text for text in INPUTS if not set(text) & set("\r\n\0\\;")]
    cards = "".join(f"BEGIN:VCARD\r\nEMAIL:{text}\r\nEND:VCARD\r\n" for text in values)
    table = files.read(cards.encode())
    entries = table.entries(table.choice())
    by_row = {entry.row: entry for entry in entries}
    disagreeing = [
        text
        for row, text in enumerate(values, start=1)
        if not agrees(text, [by_row[row]] if row in by_row else [])
    ]
    assert disagreeing == []
