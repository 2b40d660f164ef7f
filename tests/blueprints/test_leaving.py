"""Leaving an account."""

import pytest
from flask import Flask

from invites.core.roles import Role
from invites.members import memberships
from invites.models import Membership
from tests.support.actions import reread
from tests.support.browsing import Browser
from tests.support.people import People
from tests.support.populated_account import ACCOUNT, signed_in

LEAVING = f"{ACCOUNT}/leaving"


@pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
def test_leaving_asks_first_and_then_shows_the_accounts(
    app: Flask, people: People, role: Role
) -> None:
    somebody = signed_in(app, people[role].user).open("/accounts").follow("Leave")
    assert "You keep your profile and your other accounts." in somebody.text
    assert reread(people[role]).is_active
    somebody.press("Leave")
    assert somebody.url == "/accounts"
    for words in ("You left Riverside Relief.", "You no longer belong to any account"):
        assert words in somebody.text
    assert somebody.open(f"{ACCOUNT}/").status == 403


def test_inviters_are_told_what_happens_to_their_invitations(app: Flask, people: People) -> None:
    told = "Nobody can accept your open invitations"
    assert told in signed_in(app, people[Role.MODERATOR].user).open(LEAVING).text
    assert told not in signed_in(app, people[Role.USER].user).open(LEAVING).text


def test_the_last_owner_is_told_what_to_do_first(
    olive: Browser, owner: Membership, people: People, now
) -> None:
    olive.open(LEAVING)
    assert "Make someone else Account Owner before you leave" in olive.text
    assert olive.page.select_one(f"form[action='{LEAVING}']") is None
    memberships.change_role(owner, people[Role.ADMIN], Role.OWNER, now)
    olive.open(LEAVING)
    memberships.change_role(owner, people[Role.ADMIN], Role.ADMIN, now)
    olive.press("Leave")
    assert olive.url == LEAVING
    assert "at least one Account Owner" in olive.text
    assert reread(owner).is_active


def test_leaving_is_recorded(app: Flask, people: People, olive: Browser) -> None:
    signed_in(app, people[Role.USER].user).open(LEAVING).press("Leave")
    row = olive.open(f"{ACCOUNT}/audit-log").page.select_one("tbody tr").get_text(" ", strip=True)
    assert "Uma Roy" in row
    assert "Left the account" in row
