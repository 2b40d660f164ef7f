"""What stands in the address bar while a mailed link is open."""

import pytest
from bs4 import BeautifulSoup

from tests.support.page_cases import PAGES, Scene
from tests.support.populated_account import World, path

OPENED = "/invitation/opened"


def shown(world: World, place: str, who: str = "nobody") -> tuple[str | None, str | None]:
    page = world.device(who).open(place).page
    return page.html.get("data-link"), page.html.get("data-shown-as")


def test_a_page_behind_a_mailed_link_has_an_address_without_its_token(world: World) -> None:
    rows, links = world.rows, world.links
    reset, confirmation = path(links.proof(rows.reset)), path(links.proof(rows.confirmation))
    no_more = path(links.opt_out(rows.pending))
    assert shown(world, world.mailed(rows.pending)) == (world.mailed(rows.pending), OPENED)
    assert shown(world, reset) == (reset, "/password-reset/opened")
    assert shown(world, confirmation, "unconfirmed") == (confirmation, "/confirm-email/opened")
    assert shown(world, no_more) == (no_more, "/no-more/opened")


@pytest.mark.parametrize("scene", PAGES.values(), ids=PAGES.keys())
@pytest.mark.slow
def test_forms_know_where_they_go_when_their_address_is_hidden(world: World, scene: Scene) -> None:
    page = BeautifulSoup(scene.show(world).text, "html.parser")
    if page.html.get("data-link"):
        assert all(form.get("action") for form in page.select("form"))


def test_a_refused_form_leads_back_to_the_link_and_not_to_its_own_address(world: World) -> None:
    link = world.mailed(world.rows.pending)
    page = world.device("nobody").open(link).press("Accept", name="").page
    assert (page.html["data-link"], page.html["data-shown-as"]) == (link, OPENED)


def test_the_log_in_that_leads_on_to_one_is_the_same(world: World) -> None:
    place = f"/login?next={world.mailed(world.rows.known)}"
    assert shown(world, place) == (place, "/login?next=opened")


@pytest.mark.parametrize("place", ["/login", "/login?next=/profile", "/login?next=opened", OPENED])
def test_where_there_is_no_token_nothing_is_hidden(world: World, place: str) -> None:
    assert shown(world, place) == (None, None)


def test_the_permanent_link_which_hangs_on_posters_stays(world: World) -> None:
    assert shown(world, world.joining) == (None, None)
