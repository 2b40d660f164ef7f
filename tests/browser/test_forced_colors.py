"""Readers who replace all colors by a few of their own (high contrast) see every state."""

import pytest
from playwright.sync_api import Locator

from invites.core.clock import utcnow
from tests.browser.conftest import Visit
from tests.browser.visitor import HOME, Visitor
from tests.support.actions import send
from tests.support.people import PASSWORD
from tests.support.server import Server

# What remains of a style: shadows are removed, colors replaced.
REMAINS = """element => {
  const style = getComputedStyle(element);
  return ["backgroundColor", "borderColor", "borderWidth", "borderStyle", "color", "outlineStyle"]
    .map(name => style[name]).join(" ");
}"""


def _style(element: Locator) -> str:
    style: str = element.evaluate(REMAINS)
    return style


@pytest.fixture
def reader(server: Server, visit: Visit) -> Visitor:
    return visit(server, forced_colors="active").sign_in()


def test_the_chosen_role_differs_from_the_others(reader: Visitor) -> None:
    reader.go_to("Create New Invitation")
    roles = ("User", "Moderator", "Admin", "Account Owner")
    cards = reader.page.locator(".role-card")
    for role in roles:
        reader.page.get_by_role("radio", name=role, exact=True).check()
        looks = {name: _style(cards.nth(number)) for number, name in enumerate(roles)}
        others = {look for name, look in looks.items() if name != role}
        assert len(others) == 1
        assert looks[role] not in others


def test_what_is_chosen_current_focused_pressed_or_wrong_differs(
    reader: Visitor, server: Server
) -> None:
    send(server.owner, utcnow(), "amina@example.org")
    page = reader.page

    def style(selector: str) -> str:
        return _style(page.locator(selector).first)

    reader.open(f"{HOME}invitations")
    assert style(".chip[aria-current]") != style(".chip:not([aria-current])")
    assert style(".tabs [aria-current]") != style(".tabs a:not([aria-current])")
    assert style("td .tag") != style("td .muted")
    page.locator(".site-account").click()
    assert style(".menu [aria-current]") != style(".menu a:not([aria-current])")

    reader.open("/profile")
    field, button = style("#current"), style("[data-reveal=current]")
    page.locator("#current").focus()
    assert style("#current") != field
    page.locator("[data-reveal=current]").click()
    assert style("[data-reveal=current]") != button
    reader.fill(**{"Current password": "x", "New password": PASSWORD})
    reader.press("Change password").sees("isn't your current password").keys("Tab")
    assert style("#current") != field


def test_colors_that_stand_for_counts_remain(reader: Visitor) -> None:
    reader.go_to("Create New Invitation").fill(Email="amina@example.org, x@@example.org")
    reader.sees("invalid address")
    swatches = reader.page.locator(".outcomes .swatch")
    assert _style(swatches.nth(0)) != _style(swatches.nth(1))
