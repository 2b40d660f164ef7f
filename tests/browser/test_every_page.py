"""Every page in every look: for people who can't see it, and from the smallest phone up."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.browser.page_states import LOOKS, SETUPS, show_as, visit_all

AXE = Axe().axe_script

# Preloading is for rules about rotated screens and sound, which are off or have nothing to find.
OPTIONS = {"resultTypes": ["violations"], "iframes": False, "preload": False}
# Colors are all that a color scheme changes.
COLORS_ONLY = {"runOnly": ["color-contrast"]}
RULES = {"light": {}, "dark": COLORS_ONLY, "forced": COLORS_ONLY}
TABLET = {"width": 720, "height": 900}
OVERFLOW = "document.scrollingElement.scrollWidth - innerWidth"


@pytest.mark.parametrize("setup", SETUPS)
def test_no_page_shuts_anybody_out(
    setup: str, tmp_path: Path, new_context: Callable[..., BrowserContext]
) -> None:
    findings: list[str] = []
    with SETUPS[setup].served(tmp_path) as (server, pages):
        for page, visitor in visit_all(server, pages, new_context):
            visitor.page.evaluate(AXE)
            for look in LOOKS:
                show_as(visitor, look)
                findings += [
                    f"{page.name} {look}: {line}" for line in _findings(visitor.page, look)
                ]
            visitor.page.set_viewport_size(TABLET)
            findings += [f"{page.name} tablet: {line}" for line in _overflow(visitor.page)]
    assert findings == []


def _findings(page: Page, look: str) -> list[str]:
    """What axe has against the page, and whether it is wider than the screen."""
    options = OPTIONS | RULES[look.partition("-")[2]]
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    lines = [f"{rule['id']} at {node['target']}" for rule in found for node in rule["nodes"]]
    return [*lines, *_overflow(page)]


def _overflow(page: Page) -> list[str]:
    overflow = page.evaluate(OVERFLOW)
    return [f"{overflow} px too wide"] if overflow > 0 else []
