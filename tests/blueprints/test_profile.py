"""The profile: name, phone, address, password, devices."""

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from time_machine import travel

from invites.core.roles import Role
from invites.models import Delivery, EmailToken, EmailTokenPurpose, Session, User
from invites.people import sessions
from tests.support.actions import invite
from tests.support.browsing import Browser
from tests.support.people import PASSWORD, People, make_member, make_user
from tests.support.populated_account import ask_email_token, links, path, signed_in

NEW = "a fish in the snow"


@pytest.fixture
def uma(app: Flask, people: People) -> Browser:
    """Uma's device, with her profile open."""
    return signed_in(app, people[Role.USER].user).open("/profile")


@pytest.fixture
def una(app: Flask, people: People, now: datetime) -> Browser:
    """The device of Una, whose address is unconfirmed."""
    account = people[Role.OWNER].account
    member = make_member(account, "Una", "una@example.org", Role.USER, now, confirmed=False)
    return signed_in(app, member.user)


def profile(email: str = "uma@example.org") -> User:
    return User.get(User.email == email)


def mailed_link(app: Flask) -> str:
    return path(links(app).email_token(EmailToken.select().order_by(EmailToken.id.desc()).get()))


def test_name_and_phone_can_be_changed(uma: Browser) -> None:
    uma.press("Save", name="  Uma   Royce ", phone="+44 20 7946 0000")
    assert (profile().name, profile().phone) == ("Uma Royce", "+44 20 7946 0000")
    assert "Uma Royce" in uma.page.select_one(".site-user").get_text()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ""),
        ("name", "See www.evil.example"),
        ("name", "Uma\u202e"),
        ("name", "u" * 101),
        ("phone", "call me"),
    ],
)
def test_an_invalid_name_or_phone_is_refused_and_kept(uma: Browser, field: str, wrong: str) -> None:
    before = profile()
    uma.press("Save", **{field: wrong})
    assert uma.status == 422
    assert uma.page.select_one(f"#{field}-error")
    assert uma.page.select_one(f"#{field}")["value"] == wrong
    assert (profile().name, profile().phone) == (before.name, before.phone)


def test_two_people_can_have_the_same_phone_number(uma: Browser, people: People) -> None:
    User.update(phone="020 7946 0000").where(User.email == "mo@example.org").execute()
    uma.press("Save", phone="020 7946 0000")
    assert profile().phone == "020 7946 0000"


def test_a_new_address_counts_once_it_is_confirmed(app: Flask, uma: Browser) -> None:
    uma.press("Change email", email="Uma@New.example", email_password=PASSWORD)
    assert Delivery.get().recipient == "uma@new.example"
    assert "uma@new.example" in uma.text
    assert profile().id
    uma.open(mailed_link(app)).press("Confirm", password=PASSWORD)
    assert profile("uma@new.example").is_confirmed
    assert User.get_or_none(User.email == "uma@example.org") is None


def test_changing_the_address_needs_the_password(uma: Browser) -> None:
    uma.press("Change email", email="uma@new.example", email_password="wrong")
    assert uma.status == 422
    assert uma.page.select_one("#email_password-error")
    assert uma.page.select_one("#email")["value"] == "uma@new.example"
    assert Delivery.select().count() == 0


def test_no_mail_is_promised_that_is_not_sent(uma: Browser) -> None:
    uma.press("Change email", email="Uma@Example.org", email_password=PASSWORD)
    assert "This is already your email address." in uma.page.select_one("#email-error").get_text()
    for n in range(6):
        uma.press("Change email", email=f"uma{n}@new.example", email_password=PASSWORD)
    assert uma.status == 429
    assert "emails were sent within an hour" in uma.page.select_one("#email-error").get_text()
    assert uma.page.select_one("#email")["value"] == "uma5@new.example"
    assert Delivery.select().count() == 5


def test_changing_the_address_does_not_reveal_profiles(uma: Browser) -> None:
    known = uma.press("Change email", email="mo@example.org", email_password=PASSWORD)
    told = known.text.replace("mo@example.org", "no@example.org")
    uma.open("/profile")
    fresh = uma.press("Change email", email="no@example.org", email_password=PASSWORD)
    assert fresh.text == told
    assert [delivery.recipient for delivery in Delivery.select()] == ["no@example.org"]


def test_an_address_that_was_taken_meanwhile_stays_with_its_owner(
    app: Flask, uma: Browser, now: datetime
) -> None:
    uma.press("Change email", email="uma@new.example", email_password=PASSWORD)
    make_user("Faster", "uma@new.example", now)
    uma.open(mailed_link(app)).press("Confirm", password=PASSWORD)
    assert uma.status == 409
    assert profile("uma@new.example").name == "Faster"
    assert profile().name == "Uma Roy"


def test_a_new_password_logs_out_the_other_devices_only(
    app: Flask, uma: Browser, people: People
) -> None:
    other = signed_in(app, people[Role.USER].user)
    uma.press("Change password", current=PASSWORD, new=NEW)
    assert uma.url == "/profile"
    assert uma.status == 200
    assert other.open("/profile").url == "/login"
    assert other.log_in("uma@example.org", NEW).status == 200


class TestDevices:
    def test_each_device_is_listed_and_can_be_signed_out(
        self, uma: Browser, people: People, now: datetime
    ) -> None:
        chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
        sessions.start(people[Role.USER].user, chrome, now)
        devices = uma.open("/profile").page.select("#devices li")
        assert [one.strong.get_text() for one in devices] == [
            "Unknown device",
            "Chrome on Windows",
        ]
        assert "This device" in devices[0].get_text()
        assert devices[0].button is None
        assert re.search(r"logged in \d\d:\d\d", devices[1].get_text())

        uma.press("Log out", within="#devices li:nth-of-type(2)")
        assert "The device is logged out." in uma.text
        assert [one.user_agent for one in Session.select()] == ["test"]

    def test_all_other_devices_can_be_signed_out(
        self, app: Flask, uma: Browser, people: People
    ) -> None:
        others = [signed_in(app, people[Role.USER].user) for _ in range(2)]
        uma.open("/profile").press("Log out all other devices")
        assert [other.open("/profile").url for other in others] == ["/login", "/login"]
        assert uma.open("/profile").status == 200

    def test_other_peoples_devices_do_not_exist(
        self, uma: Browser, people: People, now: datetime
    ) -> None:
        sessions.start(people[Role.OWNER].user, "phone", now)
        theirs = Session.get(Session.user_agent == "phone")
        token = uma.page.select_one("[name=csrf_token]")["value"]
        for number in (theirs.id, 10**9, 10**30):
            uma.post(f"/profile/devices/{number}/removal", {"csrf_token": token})
            assert uma.status == 404
        assert Session.get(Session.user_agent == "phone")


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", NEW, "current"),
        ("", NEW, "current"),
        (PASSWORD, "short", "new"),
        (PASSWORD, "uma@example.org", "new"),
        (PASSWORD, "aaaaaaaaaaaaaaa", "new"),
        (PASSWORD, "x" * 257, "new"),
    ],
)
def test_an_unacceptable_password_changes_nothing(
    uma: Browser, current: str, new: str, field: str
) -> None:
    before = profile().password_hash
    uma.press("Change password", current=current, new=new)
    assert uma.status == 422
    assert uma.page.select_one(f"#{field}-error")
    assert profile().password_hash == before


class TestConfirmation:
    def test_the_mailed_link_and_the_password_confirm(
        self, app: Flask, una: Browser, now: datetime
    ) -> None:
        ask_email_token(profile("una@example.org"), EmailTokenPurpose.CONFIRM_EMAIL, now)
        una.open(mailed_link(app)).press("Confirm", password="another password")
        assert una.status == 422
        assert una.page.select_one("#password-error")
        assert not profile("una@example.org").is_confirmed
        una.press("Confirm", password=PASSWORD)
        assert profile("una@example.org").is_confirmed
        assert una.open(mailed_link(app)).status == 410
        assert "una@example.org is already confirmed." in una.text

    @pytest.mark.usefixtures("una")
    def test_the_link_requires_a_log_in(self, app: Flask, now: datetime) -> None:
        ask_email_token(profile("una@example.org"), EmailTokenPurpose.CONFIRM_EMAIL, now)
        elsewhere = Browser(app).open(mailed_link(app))
        assert elsewhere.url == "/login"
        elsewhere.press("Log in", email="una@example.org", password=PASSWORD).press(
            "Confirm", password=PASSWORD
        )
        assert profile("una@example.org").is_confirmed

    @pytest.mark.usefixtures("una")
    def test_nobody_confirms_another_persons_address(
        self, app: Flask, uma: Browser, now: datetime
    ) -> None:
        ask_email_token(profile("una@example.org"), EmailTokenPurpose.CONFIRM_EMAIL, now)
        assert uma.open(mailed_link(app)).status == 410
        assert "already" not in uma.text
        assert not profile("una@example.org").is_confirmed

    def test_it_works_for_seven_days(self, app: Flask, una: Browser, now: datetime) -> None:
        ask_email_token(profile("una@example.org"), EmailTokenPurpose.CONFIRM_EMAIL, now)
        with travel(now + timedelta(days=6, hours=23)):
            assert una.open(mailed_link(app)).status == 200
        with travel(now + timedelta(days=7, hours=1)):
            assert una.open(mailed_link(app)).status == 410
            assert "already" not in una.text

    def test_the_mail_can_be_sent_again_a_few_times(self, una: Browser) -> None:
        una.open("/accounts")
        told = []
        for _ in range(7):
            una.press("Resend the email")
            told.append("We sent a confirmation email" in una.text)
        assert told == [True] * 5 + [False] * 2
        assert Delivery.select().count() == 5
        assert {delivery.recipient for delivery in Delivery.select()} == {"una@example.org"}

    def test_a_confirmed_person_gets_no_mail(self, una: Browser, now: datetime) -> None:
        una.open("/accounts")
        User.update(email_confirmed_at=now).where(User.email == "una@example.org").execute()
        una.press("Resend the email")
        assert "una@example.org is already confirmed." in una.text
        assert "on its way" not in una.text
        assert Delivery.select().count() == 0

    def test_invitations_stay_hidden_until_the_address_is_confirmed(
        self, una: Browser, people: People, now: datetime
    ) -> None:
        invite(people.stranger, now, "una@example.org")
        assert "Elsewhere" not in una.open("/accounts").text
        User.update(email_confirmed_at=now).where(User.email == "una@example.org").execute()
        assert "Elsewhere" in una.open("/accounts").text
