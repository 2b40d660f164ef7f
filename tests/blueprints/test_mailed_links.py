"""The URL in the address bar while a mailed link is open."""

import pytest
from bs4 import BeautifulSoup

from tests.support.page_cases import PAGES, PageCase
from tests.support.populated_account import Site, path

OPENED = "/invitation/opened"


def shown(site: Site, place: str, who: str = "nobody") -> tuple[str | None, str | None]:
    page = site.device(who).open(place).page
    return page.html.get("data-link"), page.html.get("data-shown-as")


def test_the_page_of_a_mailed_link_shows_a_url_without_its_token(site: Site) -> None:
    rows, links = site.rows, site.links
    reset, confirmation = (
        path(links.email_token(rows.reset)),
        path(links.email_token(rows.confirmation)),
    )
    unsubscribe = path(links.unsubscribe(rows.pending))
    assert shown(site, site.mailed(rows.pending)) == (site.mailed(rows.pending), OPENED)
    assert shown(site, reset) == (reset, "/password-reset/opened")
    assert shown(site, confirmation, "unconfirmed") == (confirmation, "/confirm-email/opened")
    assert shown(site, unsubscribe) == (unsubscribe, "/unsubscribe/opened")


@pytest.mark.parametrize(
    "end", [".", ")", "%3E.", ",", "%20", "%5D", "%22", "'", ";", "!", "%C2%AD", "=3D"]
)
def test_a_link_with_punctuation_at_its_end_opens_all_the_same(site: Site, end: str) -> None:
    rows, links = site.rows, site.links
    for link, who in (
        (site.mailed(rows.pending), "nobody"),
        (site.joining, "nobody"),
        (path(links.unsubscribe(rows.pending)), "nobody"),
        (path(links.email_token(rows.reset)), "nobody"),
        (path(links.email_token(rows.confirmation)), "unconfirmed"),
    ):
        opened = site.device(who).open(link + end)
        assert opened.status == 200
        assert opened.page.html.get("data-link") == (None if link == site.joining else link)


def test_a_damaged_link_still_leads_through_the_login(site: Site) -> None:
    link = site.mailed(site.rows.known)
    assert shown(site, f"{link}).")[0] == f"/login?next={link}"


@pytest.mark.parametrize("case", PAGES.values(), ids=PAGES.keys())
@pytest.mark.slow
def test_forms_on_these_pages_have_an_action(site: Site, case: PageCase) -> None:
    page = BeautifulSoup(case.show(site).text, "html.parser")
    if page.html.get("data-link"):
        assert all(form.get("action") for form in page.select("form"))


def test_a_refused_form_keeps_the_url_of_the_link(site: Site) -> None:
    link = site.mailed(site.rows.pending)
    page = site.device("nobody").open(link).press("Accept", name="").page
    assert (page.html["data-link"], page.html["data-shown-as"]) == (link, OPENED)


def test_the_log_in_page_that_continues_to_a_mailed_link_hides_the_token_too(site: Site) -> None:
    place = f"/login?next={site.mailed(site.rows.known)}"
    assert shown(site, place) == (place, "/login?next=opened")


@pytest.mark.parametrize("place", ["/login", "/login?next=/profile", "/login?next=opened", OPENED])
def test_pages_without_a_token_show_their_own_url(site: Site, place: str) -> None:
    assert shown(site, place) == (None, None)


def test_the_permanent_link_is_not_hidden(site: Site) -> None:
    assert shown(site, site.joining) == (None, None)
