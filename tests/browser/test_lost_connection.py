"""The connection between browser and server breaks, and comes back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from invites.core.clock import utcnow
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.support.actions import send
from tests.support.server import Server

GUESTS = b"Email\namina@example.org\njon@example.org\n"
RETRYING = "The server can't be reached. Trying again…"
# While nothing answers, a request is given up 50 times as soon. A real answer may take its time.
SHORT_TIMEOUTS = """
const timeout = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "timeout");
Object.defineProperty(XMLHttpRequest.prototype, "timeout", {
    ...timeout,
    set(milliseconds) { timeout.set.call(this, milliseconds / (window.isSilent ? 50 : 1)); },
});
"""


@contextmanager
def _broken(visitor: Visitor, url: str, answer: str) -> Iterator[list[str]]:
    """Requests to ``url`` are lost, or answered by a proxy that has no server behind it."""
    asked: list[str] = []

    def break_line(route: Route) -> None:
        asked.append(route.request.url)
        if answer == "lost":
            route.abort("connectionreset")
        elif answer == "bad gateway":
            route.fulfill(status=502, body="<h1>Bad Gateway</h1>")
        elif answer == "too large":
            route.fulfill(status=413, body="<h1>Request Entity Too Large</h1>")
        elif answer == "disk full":
            headers = {"Vary": "HX-Request", "HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
            headers["Retry-After"] = "5"
            route.fulfill(status=503, headers=headers, body="<p>The disk is full.</p>")
        elif answer == "forbidden":
            route.fulfill(status=403, body="<h1>Forbidden</h1>")

    visitor.loses_requests = True
    visitor.page.route(re.compile(url), break_line)
    yield asked
    visitor.page.unroute(re.compile(url))


@pytest.mark.parametrize("answer", ["lost", "bad gateway"])
def test_an_upload_that_breaks_is_told_and_can_be_tried_again(
    server: Server, olive: Visitor, answer: str
) -> None:
    olive.go_to("Create New Invitation").fill(Email="kim@example.org").sees("1 person will get")
    with _broken(olive, "/invitations/new/file$", answer):
        olive.choose_file("guests.csv", GUESTS).sees("the file wasn't uploaded")
        expect(olive.page.get_by_role("progressbar", name="Reading the file")).to_be_hidden()
        expect(olive.field("Email")).to_have_value("kim@example.org")

    olive.choose_file("guests.csv", GUESTS).sees(
        "2 rows, listed below", "3 people will get an email."
    )


@pytest.mark.parametrize("answer", ["lost", "bad gateway", "forbidden"])
def test_an_act_that_gets_lost_is_told_and_the_page_stays(
    server: Server, olive: Visitor, answer: str
) -> None:
    send(server.owner, utcnow(), "jon@example.org")
    olive.go_to("Invitations")
    with _broken(olive, "/revocation$", answer):
        olive.press("Revoke the invitation to jon@example.org").sees("Nothing is lost")
        expect(olive.row("jon@example.org")).to_contain_text("pending")

    olive.press("Revoke the invitation to jon@example.org").sees("Revoked. jon@example.org")


def test_an_error_that_invites_itself_explains_is_shown(server: Server, olive: Visitor) -> None:
    send(server.owner, utcnow(), "jon@example.org")
    olive.go_to("Invitations")
    with _broken(olive, "/revocation$", "disk full"):
        olive.press("Revoke the invitation to jon@example.org").sees("The disk is full.")
        expect(olive.row("jon@example.org")).to_contain_text("pending")


def test_an_upload_that_ends_with_such_an_error_can_be_tried_again(
    server: Server, olive: Visitor
) -> None:
    olive.go_to("Create New Invitation")
    with _broken(olive, "/invitations/new/file$", "disk full"):
        olive.choose_file("guests.csv", GUESTS).sees("The disk is full.")
        expect(olive.page.get_by_role("progressbar", name="Reading the file")).to_be_hidden()
    olive.choose_file("guests.csv", GUESTS).sees("2 rows, listed below")


def test_an_upload_that_is_too_large_for_a_proxy_is_told_with_the_limit(
    server: Server, olive: Visitor
) -> None:
    olive.go_to("Create New Invitation").fill(Email="kim@example.org").sees("1 person will get")
    with _broken(olive, "/invitations/new/file$", "too large"):
        olive.choose_file("guests.csv", GUESTS).sees("too large", "up to 20 MB", "the operator")
        olive.misses("Request Entity Too Large")
        expect(olive.field("Email")).to_have_value("kim@example.org")
        olive.choose_file("guests.csv", GUESTS)  # the field forgot it, so it is sent again

    olive.choose_file("guests.csv", GUESTS).sees("2 rows, listed below")


@pytest.mark.parametrize("answer", ["lost", "bad gateway", "silence"])
def test_a_page_that_keeps_asking_says_quietly_that_it_tries_again_and_recovers(
    server: Server, visit: Visit, answer: str
) -> None:
    batch = send(server.owner, utcnow(), "jon@example.org")
    server.smtp.wait_for_mail("jon@example.org")
    olive = visit(server).sign_in().take_clock()
    olive.context.add_init_script(SHORT_TIMEOUTS)
    olive.open(f"/accounts/riverside-relief/batches/{batch.id}")
    olive.page.evaluate("window.same_page = window.isSilent = true")
    news = olive.page.locator("#notices")
    news.evaluate(
        """region => {
            window.told = 0;
            new MutationObserver(() => window.told++).observe(region, {childList: true});
        }"""
    )
    with _broken(olive, "/batches/", answer) as asked:
        for _ in range(3):
            olive.poll()
            expect(news).to_have_text(RETRYING)
            olive.rests()
        assert len(asked) == 3
        expect(olive.page.locator(".notice.problem")).to_have_count(0)
        assert olive.page.evaluate("window.told") == 1

    olive.page.evaluate("window.isSilent = false")
    olive.poll()
    expect(news).to_be_empty()
    olive.sees("1 of 1 sent")
    assert olive.page.evaluate("window.same_page")


def test_a_file_dropped_beside_the_dropzone_does_not_open(
    server: Server, olive: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "guests.csv"
    file.write_bytes(GUESTS)
    olive.go_to("Create New Invitation").fill(Email="kim@example.org")
    for beside in ("New Invitation", "Summary"):
        olive.drop_file(file, on=olive.page.get_by_role("heading", name=beside))
    olive.page.wait_for_timeout(500)

    olive.sees_heading("New Invitation")
    expect(olive.field("Email")).to_have_value("kim@example.org")
    olive.drop_file(file).sees("2 rows, listed below")


@contextmanager
def _busy_once(visitor: Visitor) -> Iterator[None]:
    """The server is too busy for the first list, and asks to try again after a second."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=503, headers={"Retry-After": "1"})
        else:
            route.continue_()

    where = re.compile("/invitations/new/(file|review)$")
    visitor.loses_requests = True
    visitor.page.route(where, answer)
    yield
    visitor.page.unroute(where)
    assert len(asked) == 2


def test_a_list_that_the_server_was_too_busy_for_is_sent_again_by_itself(
    server: Server, olive: Visitor
) -> None:
    olive.go_to("Create New Invitation")
    with _busy_once(olive):
        olive.choose_file("guests.csv", GUESTS).sees("Nothing is lost. Trying again…")
        olive.sees("2 rows, listed below")
        expect(olive.page.locator(".notice.retrying")).to_have_count(0)
    with _busy_once(olive):
        olive.fill(Email="kim@example.org").sees("Nothing is lost. Trying again…")
        olive.sees("3 people will get an email.")
        expect(olive.field("Email")).to_have_value("kim@example.org")
        expect(olive.page.locator(".notice.retrying")).to_have_count(0)
