"""More people log in than passwords can be checked: the others are told at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from invites import db
from invites.core.places import Places
from invites.models import Delivery, Membership, Session, User
from invites.people import passwords
from tests.support.browsing import HTMX, Browser
from tests.support.people import PASSWORD, People
from tests.support.populated_account import Site, links, path

WORDS = "Too many people are logging in right now. Try again in a moment."
NEW = "a fish in the snow"
OWN = "/profile/two-step"


@contextmanager
def crowd() -> Iterator[None]:
    """All places in the password queue are taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_queue", Places(0, each=0))
        yield


def place(site: Site, form: str) -> tuple[str, str, str]:
    """Who uses the form, its URL and its button."""
    if form == "codes":
        site.set_up_two_step("user")
    email_token = path(links(site.app).email_token(site.rows.reset))
    return {
        "log in": ("nobody", "/login", "Log in"),
        "join": ("nobody", site.joining, "Join"),
        "accept": ("nobody", site.mailed(site.rows.pending), "Accept"),
        "reset": ("nobody", email_token, "Set password"),
        "email": ("user", "/profile", "Change email"),
        "password": ("user", "/profile", "Change password"),
        "app": ("user", f"{OWN}/app", "Continue"),
        "codes": ("user", f"{OWN}/recovery-codes", "Create new codes"),
    }[form]


TYPED = {
    "log in": {"email": "uma@example.org", "password": PASSWORD, "shared": "y"},
    "join": {"name": "Noa New", "email": "noa@example.org", "password": NEW},
    "accept": {"name": "Noa New", "password": NEW, "phone": "+44 20 7946 0000"},
    "reset": {"password": NEW, "again": NEW},
    "email": {"email": "uma@new.example", "email_password": PASSWORD},
    "password": {"current": PASSWORD, "new": NEW},
    "app": {"password": PASSWORD},
    "codes": {"password": PASSWORD},
}


@pytest.mark.parametrize("form", TYPED)
def test_a_form_says_so_and_keeps_all_but_the_current_password(site: Site, form: str) -> None:
    who, url, button = place(site, form)
    browser = site.device(who).open(url)
    with crowd():
        browser.press(button, **TYPED[form])
    assert browser.status == 503
    assert browser.response.headers["Retry-After"] == "5"
    assert WORDS in browser.text
    for name, typed in TYPED[form].items():
        field = browser.page.select_one(f"[name={name}]")
        assert (field.get("value") or "") == ("" if typed == PASSWORD else typed)
    secret = {name: typed for name, typed in TYPED[form].items() if typed == PASSWORD}
    browser.press(button, **secret)
    assert browser.status == 200
    assert WORDS not in browser.text


def test_one_network_cannot_take_all_places(
    people: People, somebody: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_queue", Places(2, each=1))
    assert passwords._queue.take("203.0.113.7/32")
    form = {"email": "uma@example.org", "password": PASSWORD}
    form["csrf_token"] = somebody.open("/login").page.select_one("[name=csrf_token]")["value"]

    def log_in(address: str) -> int:
        from_there = {"REMOTE_ADDR": address}
        return somebody.client.post("/login", data=form, environ_base=from_there).status_code

    assert log_in("203.0.113.7") == 503
    assert log_in("198.51.100.7") == 303


def test_entering_the_right_password_again_and_again_is_limited(site: Site) -> None:
    site.set_up_two_step("user")
    uma = site.device("user").open(f"{OWN}/recovery-codes")
    form = {"csrf_token": uma.page.select_one("[name=csrf_token]")["value"], "password": PASSWORD}
    before = Delivery.select().count()
    answers = [uma.client.post(f"{OWN}/recovery-codes", data=form) for _ in range(70)]
    assert [one.status_code for one in answers] == [303] * 60 + [429] * 10
    assert Delivery.select().count() == before + 60


@pytest.mark.parametrize("email", ["uma@example.org", "nobody@example.org", "rubbish"])
def test_the_response_does_not_reveal_who_has_a_profile(
    people: People, somebody: Browser, email: str
) -> None:
    with crowd():
        somebody.log_in(email, PASSWORD)
    assert somebody.status == 503
    assert WORDS in somebody.text
    assert Session.select().count() == 0


def test_it_neither_counts_as_a_guess_nor_resets_the_count(
    people: People, somebody: Browser
) -> None:
    for _ in range(9):
        assert somebody.log_in("uma@example.org", "wrong").status == 422
    with crowd():
        for _ in range(11):
            assert somebody.log_in("uma@example.org", "wrong").status == 503
    assert somebody.log_in("uma@example.org", "wrong").status == 422
    assert somebody.log_in("uma@example.org", PASSWORD).status == 429


def test_the_same_holds_in_an_open_session(site: Site) -> None:
    uma = site.device("user")
    for _ in range(9):
        uma.open("/profile").press("Change password", current="a guess", new=NEW)
    with crowd():
        for _ in range(11):
            uma.open("/profile").press("Change password", current="a guess", new=NEW)
            assert uma.status == 503
    assert uma.open(f"{OWN}/app").press("Continue", password="a guess").status == 422
    assert uma.open(f"{OWN}/app").press("Continue", password=PASSWORD).status == 429


def test_scripts_and_fragments_get_it_too(site: Site) -> None:
    uma = site.device("user").open(f"{OWN}/app")
    form = {"csrf_token": uma.page.select_one("[name=csrf_token]")["value"], "password": PASSWORD}
    with crowd():
        answer = uma.client.post(f"{OWN}/passkeys/options", data=form)
        strength = uma.client.post("/password-strength", data=form, headers=HTMX)
        login = uma.client.post("/login", data=form | {"email": "a@b.example"}, headers=HTMX)
    assert (answer.status_code, answer.json) == (503, {"error": WORDS})
    assert answer.headers["Retry-After"]
    assert (strength.status_code, "level" in strength.text) == (200, False)
    assert (login.status_code, WORDS in login.text) == (503, True)


def test_setup_can_be_tried_again(app: Flask, somebody: Browser) -> None:
    code = app.extensions["invites"].signer.setup_code()
    typed = {"code": code, "account": "Riverside Relief", "name": "Olive Martin"}
    somebody.open("/setup")
    with crowd():
        somebody.press("Set up", email="olive@example.org", password=PASSWORD, **typed)
    assert somebody.status == 503
    assert User.select().count() == 0
    assert somebody.press("Set up", password=PASSWORD).title == "New Invitation"


@pytest.mark.parametrize("form", TYPED)
def test_passwords_are_hashed_outside_of_transactions(
    site: Site, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    written = []

    class Turn:
        def __enter__(self) -> None:
            written.append(db.database.in_transaction())

        def __exit__(self, *_error: object) -> None:
            pass

    who, url, button = place(site, form)
    browser = site.device(who).open(url)
    monkeypatch.setattr(passwords, "_running", Turn())
    assert browser.press(button, **TYPED[form]).status == 200
    assert written
    assert not any(written)
    assert Membership.select().count()
