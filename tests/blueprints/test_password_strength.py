"""The strength of a new password while it is typed."""

import pytest
from flask import Flask

from invites.core.roles import Role
from tests.support.browsing import Browser
from tests.support.people import People
from tests.support.populated_account import signed_in


def told(browser: Browser, **typed: str) -> str:
    """The label for what was typed."""
    token = browser.page.select_one("[name=csrf_token]")["value"]
    browser.post("/password-strength", {"csrf_token": token, **typed})
    assert browser.status == 200
    return browser.page.select_one("#password-strength").get_text(" ", strip=True)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", ""),
        ("nine char", ""),
        ("Password123", "Too easy to guess"),
        ("a horse in the rain", "Very strong"),
        ("x" * 10_000, "Too easy to guess"),
        ("\0" * 10, "Too easy to guess"),
    ],
)
def test_the_label_appears_once_it_is_long_enough(
    people: People, somebody: Browser, password: str, words: str
) -> None:
    assert told(somebody.open("/login"), password=password) == words


def test_name_and_address_make_a_password_weak(people: People, somebody: Browser) -> None:
    somebody.open("/login")
    typed = {"name": "Wilhelmina Oyelaran", "email": "wil@example.org"}
    assert told(somebody, password="wilhelmina1", **typed) == "Too easy to guess"


def test_changing_a_password_uses_the_name_of_the_profile(app: Flask, people: People) -> None:
    olive = signed_in(app, people[Role.OWNER].user)
    assert told(olive.open("/profile"), new="olive@example.org") == "Too easy to guess"
    assert told(olive.open("/profile"), new="a horse in the rain") == "Very strong"
