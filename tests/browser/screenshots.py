"""Pictures of every page, for people to look at: python -m tests.browser.screenshots <folder>."""

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.browser.chromium import launch_options
from tests.browser.page_states import LOOKS, SCENES, take_look, walk


def main(folder: Path) -> None:
    """Shoot every stop of the tour in every look."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        for name, scene in SCENES.items():
            with TemporaryDirectory() as data, scene.played(Path(data)) as (server, stops):
                new_context = partial(browser.new_context, base_url=server.url)
                for stop, visitor in walk(stops, new_context):
                    for look in LOOKS:
                        take_look(visitor, look)
                        visitor.shoot(folder / f"{stop.name}-{look}.png")
            print(name, len(stops))  # noqa: T201  # says how far it is
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
