"""Forgotten passwords: the mail, its link, the new password."""

import time
from datetime import datetime, timedelta

import pytest
from flask import Flask
from time_machine import travel

from invites.blueprints import password_reset
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.models import Delivery, EmailToken, EmailTokenPurpose, Session, User
from tests.support.browsing import Browser
from tests.support.people import PASSWORD, People, make_user
from tests.support.populated_account import ask_email_token, links, path, signed_in

NEW = "a fish in the snow"


@pytest.fixture
def link(app: Flask, people: People, now: datetime) -> str:
    """The link that was mailed to Uma."""
    email_token = ask_email_token(people[Role.USER].user, EmailTokenPurpose.RESET_PASSWORD, now)
    return path(links(app).email_token(email_token))


def ask(browser: Browser, email: str) -> Browser:
    return browser.open("/password-reset").press("Email me a link", email=email)


def test_the_log_in_page_links_to_it(people: People, somebody: Browser) -> None:
    somebody.open("/login").follow("Forgot your password?")
    assert somebody.url == "/password-reset"


def test_the_link_is_mailed_to_the_stored_address(people: People, somebody: Browser) -> None:
    ask(somebody, " UMA@Example.org")
    assert [delivery.recipient for delivery in Delivery.select()] == ["uma@example.org"]


def test_the_response_does_not_reveal_profiles(people: People, somebody: Browser) -> None:
    known = ask(somebody, "uma@example.org").text.replace("uma@example.org", "")
    unknown = ask(somebody, "nobody@example.org").text.replace("nobody@example.org", "")
    assert known == unknown
    assert Delivery.select().count() == 1


@pytest.mark.parametrize("email", ["uma@example.org", "nobody@example.org"])
def test_the_response_takes_the_same_time(people: People, somebody: Browser, email: str) -> None:
    somebody.open("/password-reset")
    started = time.monotonic()
    somebody.press("Email me a link", email=email)
    assert time.monotonic() - started >= password_reset._LEAST_SECONDS


def test_an_invalid_address_is_refused(people: People, somebody: Browser) -> None:
    assert ask(somebody, "uma").status == 422
    assert somebody.page.select_one("#email")["value"] == "uma"


def test_at_most_five_mails_an_hour_are_sent(people: People, somebody: Browser) -> None:
    statuses = [ask(somebody, "uma@example.org").status for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert ask(somebody, "mo@example.org").status == 200


def test_strangers_cannot_lock_a_person_out_of_resetting(
    app: Flask, people: People, somebody: Browser
) -> None:
    uma = Browser(app)
    uma.log_in("uma@example.org", PASSWORD).press("Log out")
    for _ in range(70):
        ask(somebody, "uma@example.org")
    assert somebody.status == 429
    mails = Delivery.select().count()
    assert ask(uma, "uma@example.org").status == 200
    assert Delivery.select().count() == mails + 1
    elsewhere = Browser(app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    assert "use the newest email" in ask(elsewhere, "uma@example.org").text


def test_nor_can_a_person_who_knew_the_former_password(
    app: Flask, people: People, somebody: Browser, link: str
) -> None:
    thief, uma = somebody.log_in("uma@example.org", PASSWORD), Browser(app)
    uma.open(link).press("Set password", password=NEW, again=NEW).press("Log out")
    for _ in range(70):
        ask(thief, "uma@example.org")
    mails = Delivery.select().count()
    assert ask(uma, "uma@example.org").status == 200
    assert Delivery.select().count() == mails + 1


def test_nobody_floods_a_mailbox_by_logging_in_with_its_unconfirmed_address(
    somebody: Browser, people: People, now: datetime
) -> None:
    make_user("Eve Evil", "noa@example.org", now, confirmed=False)
    somebody.log_in("noa@example.org", PASSWORD).press("Log out")
    start = utcnow()
    for hour in range(12):
        with travel(start + timedelta(hours=hour, minutes=hour), tick=False):
            for _ in range(5):
                ask(somebody, "noa@example.org")
    mails = Delivery.select().where(Delivery.recipient == "noa@example.org").count()
    assert 10 < mails <= 10 + 12


def test_the_link_sets_a_new_password_and_ends_every_session(
    app: Flask, people: People, somebody: Browser, link: str
) -> None:
    elsewhere = signed_in(app, people[Role.USER].user)
    somebody.open(link).press("Set password", password=NEW, again=NEW)
    assert "Your new password is set." in somebody.text
    assert somebody.open("/profile").status == 200
    assert Session.get().is_shared is False
    assert elsewhere.open("/accounts").url == "/login"
    somebody.press("Log out")
    assert somebody.log_in("uma@example.org", PASSWORD).status == 422
    assert somebody.log_in("uma@example.org", NEW).status == 200
    assert Session.select().count() == 1


def test_it_works_once(people: People, somebody: Browser, link: str) -> None:
    somebody.open(link).press("Set password", password=NEW, again=NEW)
    assert somebody.open(link).status == 410
    assert "expired" in somebody.title


def test_it_works_for_two_hours(
    people: People, somebody: Browser, link: str, now: datetime
) -> None:
    with travel(now + timedelta(minutes=119)):
        assert somebody.open(link).status == 200
    with travel(now + timedelta(minutes=121)):
        assert somebody.open(link).status == 410


@pytest.mark.parametrize(
    ("password", "again", "field"),
    [(NEW, "another one", "again"), ("short", "short", "password"), ("", "", "password")],
)
def test_the_link_works_after_a_refused_password(
    people: People, somebody: Browser, link: str, password: str, again: str, field: str
) -> None:
    somebody.open(link).press("Set password", password=password, again=again)
    assert somebody.status == 422
    assert somebody.page.select_one(f"#{field}-error")
    assert somebody.page.select_one("#password").get("value", "") == password
    somebody.press("Set password", password=NEW, again=NEW)
    assert "Your new password is set." in somebody.text


def test_it_logs_in_for_a_short_time_on_a_shared_computer(
    people: People, somebody: Browser, link: str
) -> None:
    somebody.open(link).press("Set password", password=NEW, again=NEW, shared="y")
    assert Session.get().is_shared


def test_it_ends_the_session_of_another_person_on_this_device(
    app: Flask, people: People, link: str
) -> None:
    mo = signed_in(app, people[Role.MODERATOR].user)
    mo.open(link).press("Set password", password=NEW, again=NEW)
    assert [one.user for one in Session.select()] == [people[Role.USER].user]


def test_of_two_devices_with_one_link_only_one_sets_the_password(
    app: Flask, people: People, link: str
) -> None:
    first, second = Browser(app).open(link), Browser(app).open(link)
    first.press("Set password", password=NEW, again=NEW)
    assert second.press("Set password", password="two " * 4, again="two " * 4).status == 410


def test_a_forged_link_answers_like_a_used_one(
    people: People, somebody: Browser, link: str
) -> None:
    number = link.rpartition("/")[2].partition("-")[0]
    for forged in (f"{number}-{'A' * 24}", number, "x", "999999999999999999999-a", f"{number}-é"):
        assert somebody.open(f"/password-reset/{forged}").status == 410


def test_a_confirmation_link_sets_no_password(
    app: Flask, people: People, somebody: Browser, now: datetime
) -> None:
    email_token = ask_email_token(people[Role.USER].user, EmailTokenPurpose.CONFIRM_EMAIL, now)
    token = path(links(app).email_token(email_token)).rpartition("/")[2]
    assert somebody.open(f"/password-reset/{token}").status == 410


def test_setting_a_password_confirms_the_address(
    people: People, somebody: Browser, link: str
) -> None:
    User.update(email_confirmed_at=None).where(User.email == "uma@example.org").execute()
    somebody.open(link).press("Set password", password=NEW, again=NEW)
    assert User.get(User.email == "uma@example.org").is_confirmed
    assert EmailToken.get().used_at is not None
