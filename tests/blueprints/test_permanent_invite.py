"""Permanent Invite: enable, copy and delete the link."""

from datetime import datetime

import pytest
from flask import Flask

from invites.members import permanent_link
from invites.models import Membership, PermanentLink
from tests.support.browsing import Browser
from tests.support.populated_account import ACCOUNT, links

PAGE = f"{ACCOUNT}/permanent-invite"


def shown(browser: Browser) -> str:
    return browser.open(PAGE).page.select_one("#permanent-url")["value"]


def test_enabling_creates_a_link_to_copy(olive: Browser, somebody: Browser) -> None:
    olive.open(f"{ACCOUNT}/").follow("Permanent Invite").press("Enable Permanent Invite")
    assert olive.url == PAGE
    assert "Copy Link" in olive.text
    assert somebody.open(shown(olive)).status == 200


def test_enabling_twice_keeps_the_link_of_the_page(
    app: Flask, olive: Browser, ada: Browser
) -> None:
    late = ada.open(PAGE)
    olive.open(PAGE).press("Enable Permanent Invite")
    before = shown(olive)
    late.press("Enable Permanent Invite")
    assert shown(ada) == before
    assert PermanentLink.select().count() == 1


def test_deleting_asks_first_and_says_what_happens(olive: Browser) -> None:
    olive.open(PAGE).press("Enable Permanent Invite")
    olive.press("Delete")
    assert "stops working" in olive.text
    assert PermanentLink.get().deleted_at is None
    olive.follow("Keep the link")
    assert PermanentLink.get().deleted_at is None


def test_a_deleted_link_says_so_and_the_next_one_is_another(
    olive: Browser, somebody: Browser
) -> None:
    olive.open(PAGE).press("Enable Permanent Invite")
    old = shown(olive)
    olive.press("Delete").press("Delete the link")
    assert somebody.open(old).status == 410
    assert "no longer works" in somebody.title
    olive.press("Enable Permanent Invite")
    assert shown(olive) != old
    assert somebody.open(shown(olive)).status == 200
    assert somebody.open(old).status == 410


def test_deleting_twice_does_nothing(olive: Browser) -> None:
    olive.open(PAGE).press("Enable Permanent Invite").press("Delete")
    question, url = olive.response, olive.url
    olive.press("Delete the link")
    olive.response, olive.url = question, url
    assert olive.press("Delete the link").status == 200


def test_a_moderator_can_copy_but_not_change_the_link(
    app: Flask, mo: Browser, owner: Membership, now: datetime
) -> None:
    assert not mo.open(PAGE).page.find("button", string="Enable Permanent Invite")
    link = permanent_link.enable(owner, now)
    assert shown(mo) == links(app).permanent(link)
    assert "Delete" not in mo.text
    assert mo.open(f"{PAGE}/deletion").status == 403


@pytest.mark.parametrize("url", [PAGE, f"{ACCOUNT}/invitations"])
def test_without_a_link_there_is_nothing_to_copy(olive: Browser, url: str) -> None:
    assert not olive.open(url).page.select("#permanent-url")
