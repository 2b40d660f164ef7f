"""Setup with the code on the console."""

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.models import Account, Membership, User
from tests.support.browsing import Browser
from tests.support.people import PASSWORD

FIELDS = {
    "account": "Riverside Relief",
    "name": "Olive Martin",
    "email": "olive@example.org",
    "password": PASSWORD,
}


@pytest.fixture
def code(app: Flask) -> str:
    """The setup code."""
    return app.extensions["invites"].signer.setup_code()


@pytest.fixture
def first(app: Flask, database: object) -> Browser:
    """The first visitor of a new installation."""
    return Browser(app)


@pytest.mark.parametrize("url", ["/", "/login", "/setup"])
def test_a_new_installation_redirects_to_setup(first: Browser, url: str) -> None:
    assert first.open(url).url == "/setup"


def test_the_code_sets_up_the_installation_and_logs_in(first: Browser, code: str) -> None:
    first.open("/setup").press("Set up", code=code, **FIELDS)
    assert first.title == "New Invitation"
    owner = Membership.get()
    assert (owner.role, owner.user.is_installer, owner.user.is_confirmed) == (
        Role.OWNER,
        True,
        True,
    )
    assert first.open("/mailbox").status == 200


@pytest.mark.parametrize("typed", [str.lower, lambda code: f"  {code} "])
def test_case_and_dashes_of_the_code_do_not_matter(first: Browser, code: str, typed) -> None:
    first.open("/setup").press("Set up", code=typed(code), **FIELDS)
    assert User.select().count() == 1


@pytest.mark.parametrize("wrong", ["", "AAAA-BBBB-CCCC", "é" * 14])
def test_setup_is_refused_without_the_code(first: Browser, wrong: str) -> None:
    first.open("/setup").press("Set up", code=wrong, **FIELDS)
    assert first.status == 422
    assert User.select().count() == 0


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("account", ""),
        ("account", "https://evil.example"),
        ("name", "a\x00b"),
        ("email", "nobody"),
        ("password", "short"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(
    first: Browser, code: str, field: str, wrong: str
) -> None:
    first.open("/setup").press("Set up", code=code, **FIELDS | {field: wrong})
    assert first.status == 422
    assert first.page.select_one(f"#{field}")["aria-invalid"] == "true"
    for name, typed in (FIELDS | {field: wrong}).items():
        assert first.page.select_one(f"#{name}").get("value", "") == typed
    assert User.select().count() == Account.select().count() == 0


def test_setup_works_only_once(app: Flask, first: Browser, code: str) -> None:
    late = Browser(app).open("/setup")
    first.open("/setup").press("Set up", code=code, **FIELDS)
    late.press("Set up", code=code, **FIELDS | {"email": "late@example.org"})
    assert late.url == "/login"
    assert Browser(app).open("/setup").url == "/login"
    assert User.select().count() == 1


def test_guesses_of_the_code_are_limited(first: Browser) -> None:
    first.open("/setup")
    statuses = [first.press("Set up", code="guess", **FIELDS).status for _ in range(20)]
    assert set(statuses) == {422}
    assert first.press("Set up", code="guess", **FIELDS).status == 429
