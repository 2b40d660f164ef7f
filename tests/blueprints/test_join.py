"""The permanent link: for new people, people with a profile, members, former members."""

from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.members import memberships, permanent_link
from invites.models import Delivery, JoinedBy, Membership, Session, User
from tests.support.actions import reread
from tests.support.browsing import Browser
from tests.support.people import PASSWORD, People, make_user
from tests.support.populated_account import ACCOUNT, everything, links, path, signed_in

NOA = {"name": "Noa New", "email": "noa@example.org", "password": PASSWORD}


@pytest.fixture
def link(app: Flask, owner: Membership, now: datetime) -> str:
    """The path of the permanent link."""
    return path(links(app).permanent(permanent_link.enable(owner, now)))


def member(email: str) -> Membership | None:
    return Membership.get_or_none(Membership.user == User.get(User.email == email))


def test_a_new_person_joins_as_user_and_is_unconfirmed(somebody: Browser, link: str) -> None:
    somebody.open(link).press("Join", **NOA)
    assert somebody.url == f"{ACCOUNT}/"
    assert str(somebody.page).count("You are now a member.") == 1
    noa = member("noa@example.org")
    assert (noa.role, noa.joined_by) == (Role.USER, JoinedBy.PERMANENT_LINK)
    assert not noa.user.is_confirmed
    assert Delivery.get().recipient == "noa@example.org"


def test_on_a_shared_computer_one_can_join_without_logging_in(somebody: Browser, link: str) -> None:
    somebody.open(link).press("Join and log out", **NOA)
    assert somebody.url == "/login"
    assert "You joined Riverside Relief. You are logged out on this computer." in somebody.text
    assert member("noa@example.org") is not None
    assert not Session.select().exists()
    assert somebody.open(f"{ACCOUNT}/").url == "/login"


def test_on_a_shared_computer_the_session_is_short(somebody: Browser, link: str) -> None:
    somebody.open(link).press("Join", **NOA, shared="y")
    assert somebody.url == f"{ACCOUNT}/"
    assert Session.get().is_shared


def test_joining_renews_the_session_token(app: Flask, link: str) -> None:
    zed = signed_in(app, make_user("Zed", "zed@elsewhere.example", utcnow()))
    before = Session.get().token_hash
    zed.open(link).press("Accept")
    assert zed.url == f"{ACCOUNT}/"
    assert Session.get().token_hash != before


def test_nobody_joins_with_a_higher_role(somebody: Browser, link: str) -> None:
    somebody.open(link).press("Join", **NOA, role="40")
    assert member("noa@example.org").role == Role.USER


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("name", ""), ("name", "x.example.org"), ("email", "noa"), ("password", "short")],
)
def test_a_refused_form_keeps_what_was_typed(
    somebody: Browser, link: str, field: str, wrong: str
) -> None:
    somebody.open(link).press("Join", **NOA | {field: wrong})
    assert somebody.status == 422
    assert somebody.page.select_one(f"#{field}-error")
    for name, typed in (NOA | {field: wrong}).items():
        assert somebody.page.select_one(f"#{name}").get("value", "") == typed
    assert User.get_or_none(User.email == "noa@example.org") is None


def test_people_with_a_profile_log_in_and_return_to_the_link(
    somebody: Browser, link: str, now: datetime
) -> None:
    make_user("Kim Known", "kim@example.org", now)
    somebody.open(link).follow("Log in instead")
    somebody.press("Log in", email="kim@example.org", password=PASSWORD)
    assert somebody.url == link
    somebody.press("Accept")
    assert somebody.url == f"{ACCOUNT}/"
    assert member("kim@example.org").joined_by == JoinedBy.PERMANENT_LINK


def test_joining_with_a_taken_address_is_refused_and_changes_no_profile(
    somebody: Browser, link: str, people: People
) -> None:
    before = people[Role.USER].user.password_hash
    somebody.open(link).press(
        "Join", **NOA | {"email": "UMA@example.org", "password": "x" + PASSWORD}
    )
    assert somebody.status == 409
    assert somebody.page.select_one("#email-error")
    assert User.get(User.email == "uma@example.org").password_hash == before
    somebody.open(somebody.page.select_one("#email-error a")["href"])
    assert somebody.page.select_one("#email")["value"] == "UMA@example.org"
    assert somebody.press("Log in", password=PASSWORD).url == link


def test_not_you_logs_out_and_returns(app: Flask, link: str, people: People) -> None:
    zoe = signed_in(app, people.stranger.user).open(link)
    assert "zoe@elsewhere.example" in zoe.text
    zoe.press("Log out and join as someone else")
    assert zoe.url == link
    zoe.press("Join", **NOA)
    assert member("noa@example.org") is not None


def test_a_member_gets_a_link_to_the_account(app: Flask, link: str, people: People) -> None:
    ada = signed_in(app, people[Role.ADMIN].user).open(link)
    assert "already a member" in ada.title
    assert not ada.page.find("button", string="Accept")
    ada.follow("Go to Riverside Relief")
    assert ada.url == f"{ACCOUNT}/"


def test_a_members_role_survives_a_forged_accept(app: Flask, link: str, people: People) -> None:
    ada = signed_in(app, people[Role.ADMIN].user).open(link)
    token = ada.page.select_one("[name=csrf_token]")["value"]
    ada.post(f"{link}/acceptance", {"csrf_token": token})
    assert reread(people[Role.ADMIN]).role == Role.ADMIN


def test_an_inactive_member_cannot_come_back_with_it(
    app: Flask, link: str, people: People, now: datetime
) -> None:
    memberships.deactivate(people[Role.OWNER], people[Role.USER], now)
    uma = signed_in(app, people[Role.USER].user).open(link)
    assert "removed" in uma.title
    token = uma.page.select_one("[name=csrf_token]")["value"]
    uma.post(f"{link}/acceptance", {"csrf_token": token})
    assert not reread(people[Role.USER]).is_active


def test_a_link_that_was_deleted_meanwhile_is_closed(
    app: Flask, somebody: Browser, link: str, people: People, owner: Membership, now: datetime
) -> None:
    zoe = signed_in(app, people.stranger.user).open(link)
    somebody.open(link)
    permanent_link.delete(owner, now)
    assert somebody.press("Join", **NOA).status == 410
    assert zoe.press("Accept").status == 410
    assert User.get_or_none(User.email == "noa@example.org") is None


def test_a_forged_link_answers_like_a_deleted_one(somebody: Browser, link: str) -> None:
    for forged in ("1-" + "A" * 24, "1", "x", "9" * 30, link.rpartition("/")[2] + "x"):
        assert somebody.open(f"/join/{forged}").status == 410
        assert "Riverside" not in somebody.text


def test_opening_it_changes_nothing(app: Flask, database: Path, link: str, people: People) -> None:
    devices = [Browser(app), signed_in(app, people.stranger.user)]
    before = everything(database)
    for device in devices:
        device.open(link)
    assert everything(database) == before


def test_a_hall_full_of_volunteers_can_join_from_one_network(app: Flask, link: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"name": "", "password": PASSWORD}
    statuses = {
        app.test_client().post(link, data=form | {"email": f"p{n}@example.org"}).status_code
        for n in range(40)
    }
    assert statuses == {422}


def test_refused_passwords_do_not_count_as_guesses(somebody: Browser, link: str) -> None:
    somebody.open(link)
    for _ in range(12):
        assert somebody.press("Join", **NOA | {"password": "password123"}).status == 422
    assert "Welcome" in somebody.press("Join", **NOA).text
