"""Somebody at a browser, and what they do there, in the words of the pages."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.support.people import PASSWORD
from tests.support.server import OWNER, Server

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 640}

HOME = "/accounts/riverside-relief/"

expect.set_options(timeout=20_000)

# Chromium reports every answer from 400 on; those below 500 are pages of ours.
_ORDINARY = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d ")
_LOST_REQUEST = re.compile(r"Failed to load resource|Response Status Error|htmx:\w+$")


# What htmx asks for, swaps in, and prepares.
_AT_WORK = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"


class Visitor:
    """One person with a browser of their own; ``complaints`` is what its console said.

    ``loses_requests``: the console may report lost requests, sometimes long after the page did.
    """

    def __init__(self, context: BrowserContext, server: Server) -> None:
        context.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.loses_requests = False
        context.on("console", lambda message: self._hear(message.type, message.text))
        context.on("weberror", lambda error: self._hear("error", str(error.error)))
        self.context = context
        self.server = server
        self.page: Page = context.new_page()

    def _hear(self, kind: str, text: str) -> None:
        ordinary = _ORDINARY.match(text) or (self.loses_requests and _LOST_REQUEST.match(text))
        if kind in ("error", "warning") and not ordinary:
            self.complaints.append(f"{self.path}: {text}")

    @property
    def path(self) -> str:
        """The path of the page that is open."""
        return urlsplit(self.page.url).path

    def open(self, url: str) -> "Visitor":
        """Open a page of the server, or a link from a mail."""
        self.page.goto(url)
        return self

    def sign_in(self, email: str = OWNER, at: str = HOME) -> "Visitor":
        """Open a page as somebody who is logged in on this browser."""
        cookie = self.server.session_cookie(email)
        self.context.add_cookies([{"name": "invites", "value": cookie, "url": self.server.url}])
        return self.open(at)

    def log_in(self, email: str = OWNER, password: str = PASSWORD) -> "Visitor":
        """Log in, on the login page or from anywhere."""
        if self.path != "/login":
            self.open("/login")
        self.fill(Email=email, Password=password)
        self.press("Log in")
        expect(self.page.get_by_role("heading", name="Log in")).to_be_hidden()
        return self

    def go_to(self, entry: str) -> "Visitor":
        """Choose an entry of the Users menu, and wait until the page's scripts work."""
        menu = self.page.get_by_role("navigation", name="Main")
        menu.get_by_text("Users", exact=True).click()
        with self.page.expect_event("domcontentloaded"):
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
        return self.choose_path(file)

    def choose_path(self, file: Any) -> "Visitor":
        """Choose a file that is on the disk already: large ones take long to get there."""
        field = self.field("Email CSV File")
        field.wait_for(state="attached")
        self.page.wait_for_load_state()  # htmx only notices files that are chosen after this
        field.set_input_files(file)
        return self

    def poll(self, after: str = "/batches/") -> "Visitor":
        """Have a page ask for progress at once that was opened with ``take_clock``."""
        with self.page.expect_request(re.compile(after)):
            self.page.clock.fast_forward(6000)
        return self

    def take_clock(self) -> "Visitor":
        """Let ``poll`` set the clock of pages that are opened from now on."""
        self.page.clock.install()
        return self

    def drop_file(self, file: Path, on: Locator | None = None) -> "Visitor":
        """Drag a file from a folder's window onto the dropzone, or elsewhere, and let go."""
        zone = (on or self.field("Email CSV File")).bounding_box()
        assert zone is not None
        hand = self.context.new_cdp_session(self.page)
        for event in ("dragEnter", "dragOver", "drop"):
            hand.send(
                "Input.dispatchDragEvent",
                {
                    "type": event,
                    "x": zone["x"] + zone["width"] / 2,
                    "y": zone["y"] + zone["height"] / 2,
                    "data": {"items": [], "files": [str(file)], "dragOperationsMask": 1},
                },
            )
        return self

    def keys(self, *keys: str) -> "Visitor":
        """Press keys."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def tab_to(self, goal: Locator) -> "Visitor":
        """Press the tabulator key until ``goal`` has the focus."""
        for _ in range(40):
            self.keys("Tab")
            if goal.evaluate("element => element === document.activeElement"):
                return self
        raise AssertionError(f"no way by tabulator to {goal}")

    def invite(self, emails: str, role: str = "User") -> "Visitor":
        """Write an invitation, look at what was understood, and send it."""
        self.go_to("Create New Invitation").fill(Email=emails)
        self.page.get_by_role("radio", name=role, exact=True).check()
        expect(self.page.locator("#send-note")).not_to_be_empty()
        return self.press("Send Invitation").sees("sent")

    def join(self, name: str) -> "Visitor":
        """Accept an invitation as somebody new."""
        return self.fill(Name=name, Password=PASSWORD).press("Accept")

    def field(self, label: str) -> Locator:
        """The field with this label."""
        fields = self.page.locator("input, select, textarea")
        return self.page.get_by_label(label, exact=True).and_(fields)

    def button(self, name: str) -> Locator:
        """The button with this name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def row(self, text: str) -> Locator:
        """The row of a list that tells about ``text``."""
        return self.page.get_by_role("row").filter(has_text=text)

    def figure(self, name: str) -> Locator:
        """The number above these words."""
        words = self.page.get_by_role("term").filter(has_text=re.compile(rf"^\s*{name}\s*$"))
        return words.locator("xpath=..").get_by_role("definition")

    def sees(self, *texts: str) -> "Visitor":
        """Wait until the page has got its answers, and says all of this.

        What is new reacts to nobody until htmx has prepared it. And what the page says
        before an answer may be what is expected after it.
        """
        self.rests()
        for text in texts:
            expect(self.page.get_by_role("main")).to_contain_text(text)
        return self.rests()

    def rests(self) -> "Visitor":
        """Wait until htmx has nothing to do."""
        expect(self.page.locator(_AT_WORK)).to_have_count(0)
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

    def take_screenshot(self, file: Path) -> None:
        """A picture of the whole page."""
        self.page.screenshot(path=file, full_page=True, animations="disabled")
