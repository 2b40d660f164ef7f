"""What all pages and fragments have in common."""

import re

import pytest
from bs4 import BeautifulSoup
from flask import url_for
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from tests.support.bracketing import untranslated_in
from tests.support.browsing import HTMX
from tests.support.page_cases import BUTTONS, FRAGMENTS, PAGES, PageCase
from tests.support.populated_account import ACCOUNT, Site


def table(cases: dict[str, PageCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


@table(PAGES | FRAGMENTS)
@pytest.mark.slow
def test_a_page_is_whole_readable_safe_and_can_be_translated(
    bracketing: Site, case: PageCase
) -> None:
    if case not in BUTTONS.values():
        assert_page_is_whole(case, case.show(bracketing))
    if case.fragment:
        assert_htmx_gets_the_fragment_alone(case, case.show(bracketing, htmx=True))
    if case.fragment and case not in BUTTONS.values():
        for asked in ("HX-Boosted", "HX-History-Restore-Request"):
            assert "<html" in case.show(bracketing, htmx=True, **{asked: "true"}).text


def assert_page_is_whole(case: PageCase, answer: TestResponse) -> None:
    page = BeautifulSoup(answer.text, "html.parser")

    assert answer.status_code == case.status
    assert answer.vary.to_header() == "HX-Request, Cookie"
    assert page.html["lang"] == "en"
    assert [len(page.find_all(name)) for name in ("h1", "main", "title")] == [1, 1, 1]
    assert len(page.select(".button.main")) <= 1
    assert_ids_are_unique(page)
    assert_nothing_inline(page)
    assert_every_field_has_a_name(page)
    assert_headers_are_safe(answer.headers)
    if case.fragment:
        assert page.select(f'[id^="{case.fragment}"]')
    assert_is_translatable(page)


def assert_htmx_gets_the_fragment_alone(case: PageCase, answer: TestResponse) -> None:
    fragment = BeautifulSoup(answer.text, "html.parser")
    first = fragment.find(True)

    assert answer.status_code == case.status
    assert first["id"].startswith(case.fragment)
    assert not fragment.select("html, head, body, main, h1")
    assert "HX-Request" in answer.vary
    assert_nothing_inline(fragment)
    assert_is_translatable(fragment)


def assert_is_translatable(page: BeautifulSoup) -> None:
    assert "⟦" in page.get_text()
    assert untranslated_in(page) == []


def assert_ids_are_unique(page: BeautifulSoup) -> None:
    ids = [tag["id"] for tag in page.select("[id]")]
    assert sorted(ids) == sorted(set(ids))


def assert_nothing_inline(page: BeautifulSoup) -> None:
    assert not page.select("[style], style, script:not([src])")
    handlers = [a for tag in page.find_all(True) for a in tag.attrs if re.match(r"on[a-z]", a)]
    assert not handlers
    sources = [tag.get("src") or tag.get("href") for tag in page.select("script, link")]
    pictures = [tag["src"] for tag in page.select("img")]
    assert all(source.startswith("/static/") for source in sources)
    assert all(source.startswith(("/static/", "data:image/svg+xml")) for source in pictures)
    assert not page.select('a[href^="javascript:"]')


NEEDS_MODULE = {
    "[data-copy]": "copy-link.js",
    "[data-passkey]": "passkeys.js",
    "input[type=file]": "file-upload.js",
    "table.staged-rows": "row-editing.js",
    "[data-reveal]": "show-password.js",
    "details.menu": "menus.js",
    "#notices": "notices.js",
    "form": "busy-buttons.js",
    "[hx-get], [hx-post]": "lost-connection.js",
}


def assert_modules_are_loaded(page: BeautifulSoup) -> None:
    loaded = {tag["src"].rpartition("/")[2] for tag in page.select("script[type=module]")}
    needed = {module for selector, module in NEEDS_MODULE.items() if page.select(selector)}
    assert needed <= loaded


def assert_every_field_has_a_name(page: BeautifulSoup) -> None:
    """For screen readers: each field has a label or an aria-label."""
    fields = page.select("input:not([type=hidden]):not([hidden]), select, textarea")
    labelled = {label["for"] for label in page.select("label[for]")}
    nameless = [
        field
        for field in fields
        if not (
            field.get("id") in labelled or field.get("aria-label") or field.find_parent("label")
        )
    ]
    assert not nameless
    assert not [
        b for b in page.find_all("button") if not (b.get_text(strip=True) or b.get("aria-label"))
    ]


def assert_headers_are_safe(headers: Headers) -> None:
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@table(BUTTONS)
def test_without_htmx_a_button_leads_to_a_page(site: Site, case: PageCase) -> None:
    answer = case.show(site)
    assert answer.status_code == 303 or "<html" in answer.text


def test_polling_stops_when_nothing_can_change(site: Site) -> None:
    case = PAGES["batch, failed"]
    site.rows.failed.state = "revoked"
    site.rows.failed.save()
    assert "hx-trigger" not in case.show(site, htmx=True).text
    assert "hx-trigger" in PAGES["batch"].show(site, htmx=True).text


def test_after_the_session_has_ended_htmx_redirects_to_the_log_in_and_back(site: Site) -> None:
    client = site.device("nobody").client
    current = {"HX-Current-URL": f"http://localhost{ACCOUNT}/invitations?page=2"}
    answer = client.get(f"{ACCOUNT}/permanent-invite", headers=HTMX | current)
    assert answer.status_code == 200
    assert answer.text == ""
    assert answer.headers["HX-Redirect"] == f"/login?next={ACCOUNT}/invitations?page%3D2"


def test_htmx_on_another_site_is_not_redirected_back(site: Site) -> None:
    current = {"HX-Current-URL": "https://evil.example/phish"}
    answer = site.device("nobody").client.get(f"{ACCOUNT}/users", headers=HTMX | current)
    assert answer.headers["HX-Redirect"] == "/login"


def test_files_may_be_kept_and_carry_no_session(site: Site) -> None:
    client = site.device("owner").client
    with client.session_transaction() as session:
        session.permanent = True
    with site.app.test_request_context():
        names = ("css/invites.css", "icon.svg", "htmx.min.js")
        files = [url_for("static", filename=name) for name in names]
    for place in files:
        answer = client.get(place, buffered=True)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"].startswith("public")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.vary
    assert client.get("/healthz").headers.get("Set-Cookie") is None
    page = client.get("/login")
    assert page.headers["Cache-Control"] == "no-store"


def test_polling_does_not_restore_an_old_session_cookie(site: Site) -> None:
    client = site.device("owner").client
    with client.session_transaction() as session:
        session.permanent = True
    url = f"{ACCOUNT}/batches/{site.rows.batch.id}"
    assert "Set-Cookie" in client.get(url, headers=HTMX).headers
    polling = HTMX | {"HX-Trigger": "batch-progress"}
    assert "Set-Cookie" not in client.get(url, headers=polling).headers
