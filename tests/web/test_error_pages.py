"""Errors as pages and fragments that say what to do next, and /healthz."""

import io
import logging
import os
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from flask import Flask, abort
from time_machine import travel
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import TooManyRequests

from invites.core.roles import Role
from invites.db import health
from invites.members import installation
from invites.models import WorkerStatus
from invites.outbox import heartbeat
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from tests.support.actions import invite
from tests.support.browsing import HTMX, Browser
from tests.support.people import PASSWORD, People
from tests.support.populated_account import ACCOUNT, Site

CODES = [400, 403, 404, 405, 410, 413, 422, 429, 500]


@pytest.fixture
def failing(fresh_app: Flask) -> Flask:
    """An application with a page that fails with the status in its URL."""

    @allow(Who.ANYBODY)
    def fail(code: int) -> None:
        if code == 500:
            raise ZeroDivisionError("secret detail")
        abort(code)

    fresh_app.add_url_rule("/fail/<int:code>", view_func=fail)
    return fresh_app


@pytest.mark.parametrize("code", CODES)
def test_an_error_is_a_page_that_says_what_to_do(failing: Flask, code: int) -> None:
    browser = Browser(failing).open(f"/fail/{code}")
    assert browser.status == code
    assert browser.title
    assert len(browser.page.select_one(".lead").get_text()) > 20
    assert browser.page.select('main a[href="/"]')
    assert "secret detail" not in browser.response.text


@pytest.mark.parametrize("code", CODES)
def test_for_htmx_an_error_is_a_notice_on_the_open_page(failing: Flask, code: int) -> None:
    answer = failing.test_client().get(f"/fail/{code}", headers=HTMX)
    fragment = BeautifulSoup(answer.text, "html.parser")
    assert answer.status_code == code
    assert answer.headers["HX-Retarget"] == "#notices"
    assert answer.headers["HX-Reswap"].startswith("innerHTML")
    assert fragment.find(True)["class"] == ["notice", "problem"]
    assert not fragment.find("html")


def test_a_crash_is_logged_and_not_shown(failing: Flask, caplog: pytest.LogCaptureFixture) -> None:
    assert "secret detail" not in failing.test_client().get("/fail/500").text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("code", [406, 409, 418, 501, 503])
def test_any_other_error_looks_like_its_kind(failing: Flask, code: int) -> None:
    browser = Browser(failing).open(f"/fail/{code}")
    assert browser.status == code
    assert browser.page.select("main a.button")


def test_a_wrong_method_lists_the_allowed_ones(people: People, somebody: Browser) -> None:
    answer = somebody.client.get("/logout")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_form_with_an_old_token_can_be_loaded_again(people: People, somebody: Browser) -> None:
    somebody.open("/login")
    somebody.client.delete_cookie("invites")
    somebody.press("Log in", email="uma@example.org", password=PASSWORD)
    assert somebody.status == 400
    assert "reload it" in somebody.text
    assert somebody.follow("Open the page again").url == "/login"


def test_a_script_gets_an_error_in_words(
    app: Flask, somebody: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise TooManyRequests(retry_after=120)

    as_json = {"Accept": "application/json"}
    view = allow(Who.ANYBODY, body=FORM)(refuse)
    monkeypatch.setitem(app.view_functions, "login.passkey_options", view)
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    answer = somebody.client.post("/login/passkey/options", headers=as_json)
    assert answer.status_code == 429
    assert answer.json == {"error": "Too many attempts. Try again in 2 minutes. Nothing is lost."}
    answer = somebody.client.post("/profile/two-step/passkeys/options", headers=as_json)
    assert answer.status_code == 401
    assert "You have been logged out." in answer.json["error"]


def test_after_too_many_attempts_the_page_says_when_to_try_again(
    people: People, somebody: Browser, now: datetime
) -> None:
    with travel(now.replace(microsecond=0), tick=False) as clock:
        for _ in range(10):
            somebody.log_in("uma@example.org", "wrong")
        assert _wait(somebody) == (pytest.approx(900, abs=1), "Try again in 15 minutes.")
        clock.shift(timedelta(minutes=13, seconds=10))
        assert _wait(somebody) == (pytest.approx(110, abs=1), "Try again in 2 minutes.")
        clock.shift(timedelta(seconds=109))
        assert _wait(somebody) == (pytest.approx(1, abs=1), "Try again in 1 second.")
        clock.shift(timedelta(seconds=2))
        assert somebody.log_in("uma@example.org", PASSWORD).status == 200


def test_after_too_many_mails_the_page_says_when_to_try_again(
    people: People, somebody: Browser, now: datetime
) -> None:
    with travel(now.replace(microsecond=0), tick=False) as clock:
        for _ in range(5):
            somebody.open("/password-reset").press("Email me a link", email="uma@example.org")
        clock.shift(timedelta(minutes=20))
        somebody.open("/password-reset").press("Email me a link", email="uma@example.org")
    assert somebody.status == 429
    assert int(somebody.response.headers["Retry-After"]) == pytest.approx(2400, abs=1)
    assert "Try again in 40 minutes." in somebody.text


def _wait(browser: Browser) -> tuple[int, str]:
    """The waiting time of another attempt: the header, and the text."""
    assert browser.log_in("uma@example.org", PASSWORD).status == 429
    words = browser.page.select_one("#password-error").get_text(" ", strip=True)
    when = words.removeprefix("Too many attempts. ").partition(" With ")[0]
    return int(browser.response.headers["Retry-After"]), when


def test_a_form_of_another_site_has_its_own_error_page(people: People, somebody: Browser) -> None:
    answer = somebody.client.post("/login", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Request from another website" in answer.text
    assert "nothing was done. Open the page on this website and try again." in answer.text


@pytest.mark.parametrize("url", ["/nowhere", "/%00", "/%ff", "/invitation", "/static/x"])
def test_unknown_urls_are_not_found(people: People, somebody: Browser, url: str) -> None:
    assert somebody.open(url).status == 404


def test_an_invalid_host_gets_plain_text_and_the_url_is_not_logged(
    people: People, somebody: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    answer = somebody.client.get("/invitation/1-token", headers={"Host": "x" * 300})
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert "The request was incomplete." in answer.text
    assert "1-token" not in caplog.text


def test_a_form_that_is_too_large_is_refused(people: People, somebody: Browser) -> None:
    answer = somebody.client.post("/login", data={"email": "x" * 2_000_000})
    assert answer.status_code == 413


@pytest.mark.usefixtures("people")
class TestHealth:
    def test_everything_is_ok_while_the_worker_runs(self, somebody: Browser, now: datetime) -> None:
        heartbeat.record(now)
        answer = somebody.open("/healthz").response
        assert (answer.status_code, answer.json["worker"], answer.json["database"]) == (
            200,
            "ok",
            "ok",
        )

    def test_a_full_disk_is_reported_with_status_503_and_a_low_one_without(
        self, somebody: Browser, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heartbeat.record(now)
        for free, disk, database in ((10**9, "ok", "ok"), (10**8, "low", "ok"), (0, "low", "full")):
            space = SimpleNamespace(f_bavail=free, f_frsize=1)
            monkeypatch.setattr(os, "statvfs", lambda _path, space=space: space)
            monkeypatch.setattr(health.monitor, "_database", None)  # checks again
            answer = somebody.open("/healthz").response
            assert (answer.json["disk"], answer.json["database"]) == (disk, database)
            assert answer.status_code == (503 if database == "full" else 200)

    def test_a_backup_that_failed_or_is_old_is_reported_with_status_200(
        self, somebody: Browser, now: datetime
    ) -> None:
        heartbeat.record(now)
        assert somebody.open("/healthz").response.json["backup"] == "none"
        installation.record_backup(now)
        assert somebody.open("/healthz").response.json["backup"] == "ok"
        installation.record_failed_backup(now, "/backups: No space left on device")
        assert somebody.open("/healthz").response.json["backup"] == "failed"
        installation.record_backup(now - timedelta(days=4))
        assert somebody.open("/healthz").response.json["backup"] == "old"
        assert somebody.status == 200

    @pytest.mark.parametrize(
        ("address", "headers"),
        [("203.0.113.5", {}), ("127.0.0.1", {"X-Forwarded-For": "203.0.113.5"})],
    )
    def test_strangers_learn_only_whether_the_installation_needs_attention(
        self, somebody: Browser, now: datetime, address: str, headers: dict[str, str]
    ) -> None:
        def health() -> tuple[int, dict[str, str]]:
            place = {"REMOTE_ADDR": address}
            answer = somebody.client.get("/healthz", headers=headers, environ_base=place)
            return answer.status_code, answer.json

        assert health() == (503, {"status": "failed"})
        heartbeat.record(now)
        assert health() == (200, {"status": "ok"})
        installation.record_failed_backup(now, "/backups: No space left on device")
        assert health() == (200, {"status": "attention"})

    def test_a_worker_that_never_ran_is_reported(self, somebody: Browser) -> None:
        assert somebody.open("/healthz").status == 503

    def test_a_worker_that_stopped_is_reported(self, somebody: Browser, now: datetime) -> None:
        heartbeat.record(now)
        with travel(now + timedelta(minutes=5)):
            assert somebody.open("/healthz").status == 503

    def test_a_database_without_tables_is_reported(self, somebody: Browser, now: datetime) -> None:
        heartbeat.record(now)
        WorkerStatus.drop_table()
        answer = somebody.open("/healthz").response
        assert (answer.status_code, answer.json["database"]) == (503, "failed")


def test_no_token_and_no_password_gets_into_the_logs(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    links = [site.mailed(site.rows.pending), site.joining, site.mailed(site.rows.expired)]
    for link in links:
        site.device("nobody").open(link)
        site.device("nobody").client.delete(link)
    site.device("nobody").open(links[0]).press("Accept", name="Noa", password=PASSWORD)
    site.device("nobody").log_in("uma@example.org", "a wrong password")
    session = site.device("user").open(f"{ACCOUNT}/nowhere").client.get_cookie("invites")
    logging.getLogger("invites.web").warning("the log works")

    assert "the log works" in caplog.text
    secrets = [link.rpartition("/")[2].partition("-")[2][:12] for link in links]
    for secret in (*secrets, PASSWORD, "a wrong password", session.value[:30]):
        assert secret not in caplog.text


def test_denied_requests_are_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    for who, place in (
        ("user", f"{ACCOUNT}/invitations"),
        ("stranger", f"{ACCOUNT}/users"),
        ("inactive", f"{ACCOUNT}/"),
        ("user", "/mail"),
    ):
        user = site.user(who)
        site.device(who).open(place)
        assert caplog.messages[-1].startswith("denied: GET ")
        assert caplog.messages[-1].endswith(f"to user {user.id}")


@pytest.mark.parametrize(
    "action", ["users/{member}/deactivation", "invitations/{offer}/revocation"]
)
def test_attempts_on_a_higher_role_are_logged(
    site: Site, caplog: pytest.LogCaptureFixture, action: str
) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    owner, moderator = site.rows.owner, site.user("moderator")
    offer = invite(owner, site.rows.now, "tam@example.org", Role.ADMIN)
    site.device("moderator").post(f"{ACCOUNT}/{action.format(member=owner.id, offer=offer.id)}", {})
    assert caplog.messages[-1].startswith("denied: ")
    assert caplog.messages[-1].endswith(f"to user {moderator.id}")


def test_log_ins_are_logged(
    people: People, somebody: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    somebody.log_in("uma@example.org", PASSWORD)
    assert f"logged in: user {people[Role.USER].user.id} from 127.0.0.1" in caplog.messages


@pytest.mark.parametrize("field", ["email", "password", "next"])
def test_a_repeated_field_is_refused(people: People, somebody: Browser, field: str) -> None:
    token = somebody.open("/login").page.select_one("[name=csrf_token]")["value"]
    form = {"email": "uma@example.org", "password": PASSWORD, "next": "", "csrf_token": token}
    twice = MultiDict([*form.items(), (field, form[field])])
    assert somebody.client.post("/login", data=twice).status_code == 400
    assert somebody.client.get("/login?next=/a&next=/b").status_code == 400
    assert somebody.client.post("/login", data=form).status_code == 303


@pytest.mark.parametrize("field", ["email", "password", "next", "shared"])
def test_a_file_instead_of_a_field_counts_as_empty(
    people: People, somebody: Browser, field: str
) -> None:
    token = somebody.open("/login").page.select_one("[name=csrf_token]")["value"]
    form = {"csrf_token": token, field: (io.BytesIO(b"uma@example.org"), "list.csv")}
    assert somebody.post("/login", form).status == 422
