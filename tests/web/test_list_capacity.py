"""More lists are read than the server has room for: the others are told at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest

from invites.invitations import staging
from invites.models import Membership
from invites.web import list_capacity
from tests.support.actions import send
from tests.support.browsing import HTMX, Browser
from tests.support.populated_account import ACCOUNT
from tests.web.test_access import Untouched

NEW = f"{ACCOUNT}/invitations/new"


@contextmanager
def taken(*who: str) -> Iterator[None]:
    """A place for each, which others can't have."""
    assert all(map(list_capacity._places.take, who))
    yield
    for one in who:
        list_capacity._places.leave(one)


@pytest.fixture
def full() -> Iterator[None]:
    """All places are taken."""
    with taken("a", "a", "b", "b"):
        yield


class Slow(BytesIO):
    def readinto(self, buffer: Any) -> int:
        time.sleep(2)
        return super().readinto(buffer)


def look(browser: Browser, **headers: str) -> int:
    token = browser.open(NEW).page.select_one("[name=csrf_token]")["value"]
    form = {"email": "ann@example.org", "role": "10", "csrf_token": token}
    answer = browser.client.post(f"{NEW}/review", data=form, headers=headers)
    browser.response = answer
    return answer.status_code


def test_a_list_beyond_the_capacity_is_refused_before_it_is_read(
    olive: Browser, owner: Membership, full: None
) -> None:
    page, fragment = (
        olive.client.post(NEW, input_stream=Untouched(), content_length=20_000_000, headers=headers)
        for headers in ({}, HTMX)
    )
    for answer in (page, fragment):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert "Wait 3 seconds, then reload this page." in page.text
    # The page shows answers that vary with htmx, and sends this one again, see retry.js.
    assert "HX-Request" not in fragment.vary


def test_other_pages_are_served_meanwhile(olive: Browser, full: None) -> None:
    assert olive.open(NEW).status == 200
    assert olive.open(f"{ACCOUNT}/users").status == 200


def test_one_person_cannot_take_all_places(olive: Browser, owner: Membership, ada: Browser) -> None:
    own = str(owner.user_id)
    with taken(own, own):
        assert look(olive) == 503
        assert look(ada) == 200


@pytest.mark.parametrize("form", [{"role": "10"}, {"role": "10", "email": "x" * 2_000_000}, {}])
def test_a_place_is_free_again_however_the_request_ends(
    olive: Browser, form: dict[str, str]
) -> None:
    for _ in range(5):
        assert olive.client.post(f"{NEW}/review", data=form).status_code in (400, 413)


@pytest.fixture
def downloads(owner: Membership, now: datetime) -> list[str]:
    batch = send(owner, now, "ann@example.org", "not an address")
    staged = staging.stage(owner, "p.csv", b"ann@example.org\nann@example.org", now)
    return [
        f"{ACCOUNT}/audit-log/audit-log.csv",
        f"{ACCOUNT}/batches/{batch.id}/skipped.csv",
        f"{NEW}/list/{staged.id}/not-invited.csv",
    ]


def test_downloads_of_lists_share_these_places(
    olive: Browser, owner: Membership, downloads: list[str]
) -> None:
    own = str(owner.user_id)
    for url in downloads:
        with taken(own, own):
            answer = olive.client.get(url)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
        assert "Wait 3 seconds, then reload this page." in answer.text
        assert olive.client.get(url).mimetype == "text/csv"


def test_downloads_count_as_processor_time(
    olive: Browser, owner: Membership, downloads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_capacity, "_BUDGET", 0.001)
    assert olive.client.get(downloads[0]).status_code == 200
    assert [olive.client.get(url).status_code for url in downloads] == [503] * 3


def test_a_person_who_used_up_their_processor_time_waits_and_nobody_else(
    olive: Browser, owner: Membership, ada: Browser
) -> None:
    list_capacity._budgets.spend(owner.user_id, 25)
    assert look(olive) == 503
    assert 1 <= int(olive.response.headers["Retry-After"]) <= 60
    assert look(ada) == 200


def test_waiting_for_a_slow_sender_counts_as_processor_time(
    olive: Browser, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_capacity, "_BUDGET", 2.0)
    body = {"input_stream": Slow(b"email=ann"), "content_type": "application/x-www-form-urlencoded"}
    assert olive.client.post(f"{NEW}/review", content_length=9, **body).status_code == 400
    assert look(olive) == 503


def test_two_people_cannot_occupy_all_places_every_other_minute(
    olive: Browser, owner: Membership
) -> None:
    """Two forms that take a minute each cost six budgets, which are paid back in six minutes."""
    list_capacity._budgets.spend(owner.user_id, 60)
    list_capacity._budgets.spend(owner.user_id, 60)
    assert look(olive) == 503
    assert 290 < int(olive.response.headers["Retry-After"]) <= 300


def test_processor_time_is_counted_and_not_requests(olive: Browser, owner: Membership) -> None:
    assert look(olive) == 200
    seconds_until_paid_back = list_capacity._budgets.seconds_to_wait(owner.user_id) + 60
    assert 0 < seconds_until_paid_back < 60
