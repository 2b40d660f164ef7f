"""A session that ends while somebody works: they get the reason, and keep what they typed."""

import io
from datetime import datetime

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from invites.core.roles import Role
from invites.invitations import staging
from invites.models import Batch, Membership, StagedList, User
from invites.people import sessions
from tests.support.browsing import HTMX, Browser
from tests.support.people import PASSWORD, People
from tests.support.populated_account import ACCOUNT, signed_in

NEW = f"{ACCOUNT}/invitations/new"
TYPED = "ann@example.org\nBen <ben@example.org>"


@pytest.fixture
def writing(olive: Browser, owner: Membership) -> Browser:
    """Olive's device, where her session ends while she types addresses."""
    olive.open(NEW)
    sessions.end_all(owner.user)
    return olive


def log_in_beside(browser: Browser, user: User) -> None:
    """Changes the cookie as logging in in another tab does."""
    other = signed_in(browser.client.application, user)
    cookie = other.client.get_cookie("invites")
    browser.client.set_cookie("invites", cookie.value)


def test_opening_a_page_redirects_to_the_log_in_with_the_reason_and_back(
    writing: Browser,
) -> None:
    writing.open(f"{ACCOUNT}/users")
    assert writing.url == "/login"
    assert "You have been logged out. Log in to continue." in writing.text
    assert "have been logged out" not in writing.open("/login").text
    writing.press("Log in", email="olive@example.org", password=PASSWORD)
    assert writing.url == f"{ACCOUNT}/"


def test_visitors_who_never_logged_in_get_no_reason(app: Flask, people: People) -> None:
    assert "have been logged out" not in Browser(app).open(f"{ACCOUNT}/users").text


def press_send(browser: Browser, **typed: object) -> dict[str, object]:
    """Presses Send Invitation; returns what the browser sends again when the page is reloaded."""
    token = browser.page.select_one("[name=csrf_token]")["value"]
    form = {"email": TYPED, "role": "10", "csrf_token": token} | typed
    browser.post(NEW, form)
    return form


def test_what_was_typed_can_be_sent_after_the_next_log_in(
    writing: Browser, owner: Membership
) -> None:
    sent = press_send(writing)
    assert writing.status == 401
    assert "Nothing was sent." in writing.text
    assert "reload it" in writing.text
    beside = writing.page.find("a", string="Log in (opens a new tab)")
    assert (beside["href"], beside["target"]) == ("/login", "_blank")
    log_in_beside(writing, owner.user)
    writing.post(NEW, sent)
    assert "Nothing has been sent yet" in writing.text
    assert writing.page.select_one("#email").get_text().strip() == TYPED
    assert not Batch.select().exists()
    writing.press("Send Invitation", email=TYPED)
    assert [one.email for one in Batch.get().invitations] == ["ann@example.org", "ben@example.org"]


@pytest.mark.parametrize("place", ["/typed", "/file", "/list/{list}/rows/1/text"])
def test_any_button_of_the_page_keeps_what_was_typed(
    writing: Browser, owner: Membership, now: datetime, place: str
) -> None:
    staged = staging.stage(owner, "guests.csv", b"cy@example.org\n", now)
    sent = press_send(writing, list_id=str(staged.id))
    log_in_beside(writing, owner.user)
    writing.post(NEW + place.format(list=staged.id), sent)
    assert writing.status == 400
    assert "Nothing has been sent yet" in writing.text
    assert writing.page.select_one("#email").get_text().strip() == TYPED
    assert "guests.csv" in writing.text


def test_a_file_has_to_be_chosen_again(writing: Browser, owner: Membership) -> None:
    sent = press_send(writing)
    log_in_beside(writing, owner.user)
    writing.post(NEW, sent | {"csv_file": (io.BytesIO(b"cy@example.org\n"), "guests.csv")})
    assert "Choose this file again: guests.csv" in writing.text
    assert not StagedList.select().exists()


def test_sending_it_before_the_log_in_says_the_same_again(writing: Browser) -> None:
    writing.post(NEW, press_send(writing))
    assert writing.status == 401
    assert "reload it" in writing.text


def test_another_person_who_logs_in_cannot_send_it(writing: Browser, people: People) -> None:
    sent = press_send(writing)
    log_in_beside(writing, people[Role.USER].user)
    writing.post(NEW, sent)
    assert writing.status == 403
    assert TYPED not in writing.text


def test_polling_the_review_shows_a_notice_and_keeps_the_page(writing: Browser) -> None:
    token = writing.page.select_one("[name=csrf_token]")["value"]
    typed = {"email": TYPED, "csrf_token": token}
    answer = writing.client.post(f"{NEW}/review", data=typed, headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["HX-Retarget"] == "#notices"
    assert "HX-Redirect" not in answer.headers
    notice = BeautifulSoup(answer.text, "html.parser")
    assert "What you entered is still here" in notice.get_text()
    assert notice.find("a", target="_blank")["href"] == "/login"
