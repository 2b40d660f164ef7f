"""Somebody at a browser, and what they do there, in the words of the pages."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.box import OWNER
from tests.cast import PASSWORD

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 640}

expect.set_options(timeout=20_000)

# Chromium reports every answer from 400 on; those below 500 are pages of ours.
_ORDINARY = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d ")


class Visitor:
    """One person with a browser of their own; ``complaints`` is what its console said."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(20_000)
        self.complaints: list[str] = []
        context.on("console", lambda message: self._hear(message.type, message.text))
        context.on("weberror", lambda error: self._hear("error", str(error.error)))
        self.context = context
        self.page: Page = context.new_page()

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not _ORDINARY.match(text):
            self.complaints.append(f"{self.path}: {text}")

    @property
    def path(self) -> str:
        """The path of the page that is open."""
        return urlsplit(self.page.url).path

    def open(self, url: str) -> "Visitor":
        """Open a page of the box, or a link from a mail."""
        self.page.goto(url)
        return self

    def log_in(self, email: str = OWNER, password: str = PASSWORD) -> "Visitor":
        """Log in, on the log-in page or from anywhere."""
        if self.path != "/login":
            self.open("/login")
        self.fill(Email=email, Password=password)
        self.press("Log in")
        expect(self.page.get_by_role("heading", name="Log in")).to_be_hidden()
        return self

    def go_to(self, entry: str) -> "Visitor":
        """Choose an entry of the Users menu."""
        menu = self.page.get_by_role("navigation", name="Main")
        menu.get_by_text("Users", exact=True).click()
        menu.get_by_role("link", name=entry, exact=True).click()
        return self

    def press(self, name: str) -> "Visitor":
        """Press a button."""
        self.button(name).click()
        return self

    def follow(self, name: str) -> "Visitor":
        """Follow a link."""
        self.page.get_by_role("link", name=name, exact=True).click()
        return self

    def fill(self, **fields: str) -> "Visitor":
        """Fill fields by their labels."""
        for label, text in fields.items():
            self.field(label).fill(text)
        return self

    def type(self, label: str, text: str) -> "Visitor":
        """Type into a field, key by key."""
        self.field(label).press_sequentially(text)
        return self

    def choose_file(self, name: str, content: bytes, kind: str = "text/csv") -> "Visitor":
        """Choose a file in the Email CSV File field."""
        file: Any = {"name": name, "mimeType": kind, "buffer": content}
        self.field("Email CSV File").set_input_files(file)
        return self

    def drop_file(self, name: str, content: str, kind: str = "text/csv") -> "Visitor":
        """Drag a file onto the dropzone and let go, as from a folder's window."""
        transfer = self.page.evaluate_handle(
            """([name, content, kind]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([content], name, {type: kind}));
                return transfer;
            }""",
            [name, content, kind],
        )
        zone = self.field("Email CSV File")
        for event in ("dragenter", "dragover", "drop"):
            zone.dispatch_event(event, {"dataTransfer": transfer})
        return self

    def field(self, label: str) -> Locator:
        """The field with this label."""
        return self.page.get_by_label(label, exact=True)

    def button(self, name: str) -> Locator:
        """The button with this name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def row(self, text: str) -> Locator:
        """The row of a list that tells about ``text``."""
        return self.page.get_by_role("row").filter(has_text=text)

    def sees(self, *texts: str) -> "Visitor":
        """Wait until the page says all of this."""
        for text in texts:
            expect(self.page.get_by_role("main")).to_contain_text(text)
        return self

    def misses(self, *texts: str) -> "Visitor":
        """Wait until the page says none of this."""
        for text in texts:
            expect(self.page.get_by_role("main")).not_to_contain_text(text)
        return self

    def sees_heading(self, text: str) -> "Visitor":
        """Wait for the page with this heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)
        return self

    def is_at(self, path: str) -> "Visitor":
        """Wait until the page with this path is open."""
        expect(self.page).to_have_url(re.compile(rf"^https?://[^/]+{path}(?:[?#].*)?$"))
        return self

    def shoot(self, file: Path) -> None:
        """A picture of the whole page."""
        self.page.screenshot(path=file, full_page=True, animations="disabled")
