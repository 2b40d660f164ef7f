"""Pictures of every page, for people to look at: python -m tests.browser.screenshots <folder>."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.browser.chromium import launch_options
from tests.browser.page_states import LOOKS, SETUPS, show_as, visit_all


def main(folder: Path) -> None:
    """Shoot every page of the tour in every look."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        for name, setup in SETUPS.items():
            with TemporaryDirectory() as data, setup.served(Path(data)) as (server, pages):
                for page, visitor in visit_all(server, pages, browser.new_context):
                    for look in LOOKS:
                        show_as(visitor, look)
                        visitor.take_screenshot(folder / f"{page.name}-{look}.png")
            print(name, len(pages))  # noqa: T201  # says how far it is
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
