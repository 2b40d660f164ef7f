"""While the database can't be used, the operator reads the reason and others are asked to wait."""

import errno
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from invites import db
from invites.models import StagedList
from invites.web.access import Who, allow
from tests.support.browsing import HTMX, Browser
from tests.support.faults import damage, fill, lock, make_read_only
from tests.support.populated_account import ACCOUNT, Site

Break = Callable[[Path], AbstractContextManager[None]]

GUESTS = "\n".join(f"person{number}@example.org" for number in range(2_000)).encode()
CALM = "Nothing was changed. Try again in a few minutes."


def upload(browser: Browser, *, htmx: bool = False) -> TestResponse:
    """Sends a list that takes many new pages in the database."""
    token = browser.open(f"{ACCOUNT}/invitations/new").page.select_one("[name=csrf_token]")
    form = {"csrf_token": token["value"], "csv_file": (io.BytesIO(GUESTS), "guests.csv")}
    return browser.client.post(
        f"{ACCOUNT}/invitations/new/file", data=form, headers=HTMX if htmx else {}
    )


@pytest.mark.parametrize(
    ("break_it", "title"),
    [(fill, "The disk is full"), (make_read_only, "The database is read-only")],
)
def test_a_database_that_cannot_be_written_is_explained_to_the_operator_only(
    site: Site, caplog: pytest.LogCaptureFixture, break_it: Break, title: str
) -> None:
    for who, told in (("owner", title), ("admin", "Not available right now")):
        browser = site.device(who).open("/accounts")
        with break_it(site.database):
            caplog.clear()
            answer = upload(browser)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert told in answer.text
        assert (CALM in answer.text) == (who == "admin")
        assert (str(site.database.parent) in answer.text) == (who == "owner")
        [record] = caplog.records
        assert record.exc_info is None
        assert str(site.database.parent) in record.message
    assert StagedList.select().count() == 0


def test_htmx_gets_the_reason_as_a_notice(site: Site) -> None:
    olive = site.device("owner").open("/accounts")
    with fill(site.database):
        answer = upload(olive, htmx=True)
    assert answer.status_code == 503
    assert answer.headers["HX-Retarget"] == "#notices"
    assert "The disk is full" in answer.text
    assert "<html" not in answer.text


def test_while_the_database_is_locked_everyone_is_asked_to_try_again(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    olive = site.device("owner").open("/accounts")
    with lock(site.database):
        answer = upload(olive)
    assert answer.status_code == 503
    assert "Too busy right now" in answer.text
    assert [record.exc_info for record in caplog.records] == [None]


def test_damage_is_explained_and_from_then_on_the_health_check_fails(site: Site) -> None:
    olive = site.device("owner").open("/accounts")
    assert "damaged" not in olive.open("/healthz").response.text
    damage(site.database, "invitation")
    answer = olive.client.get(f"{ACCOUNT}/invitations")
    assert answer.status_code == 503
    assert "The database is damaged" in answer.text
    assert olive.open("/healthz").status == 503
    assert olive.response.json["database"] == "damaged"


def test_with_a_damaged_table_of_sessions_nobody_is_known_and_the_page_still_appears(
    site: Site,
) -> None:
    olive = site.device("owner").open("/accounts")
    damage(site.database, "session")
    answer = olive.client.get(f"{ACCOUNT}/invitations")
    assert answer.status_code == 503
    assert "<h1" in answer.text
    assert CALM in answer.text


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 503), (errno.EPIPE, 500)])
def test_a_full_disk_of_temporary_files_is_told_from_a_bug(
    fresh_app: Flask, number: int, status: int
) -> None:
    @allow(Who.ANYBODY)
    def fail() -> None:
        raise OSError(number, "x")

    fresh_app.add_url_rule("/fail", view_func=fail)
    assert fresh_app.test_client().get("/fail").status_code == status


def test_a_bug_in_a_query_is_still_a_bug(fresh_app: Flask) -> None:
    @allow(Who.ANYBODY)
    def fail() -> None:
        db.select("SELECT nonsense", ())

    fresh_app.add_url_rule("/fail", view_func=fail)
    assert fresh_app.test_client().get("/fail").status_code == 500
