"""Which Chromium is driven, and how it is started."""

import shutil
from typing import Any

# The names that .ci/chromium looks for, too.
_NAMES = ("chromium", "chromium-browser", "google-chrome")

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch_options() -> dict[str, Any]:
    """Options for Playwright's ``launch``: the installed Chromium, or else Playwright's own."""
    options: dict[str, Any] = {"args": _ARGUMENTS}
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        options["executable_path"] = found
    return options
