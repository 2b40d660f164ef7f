"""A browser without JavaScript: opens pages, fills in forms, presses buttons."""

import re
from typing import Any

from bs4 import BeautifulSoup, Tag
from flask import Flask
from werkzeug.test import TestResponse

HTMX = {"HX-Request": "true"}


class Browser:
    """One device with its own cookies."""

    def __init__(self, app: Flask, *, htmx: bool = False) -> None:
        self.client = app.test_client()
        self.htmx = htmx
        self.response: TestResponse | None = None
        self.url = "/"

    @property
    def page(self) -> BeautifulSoup:
        assert self.response is not None
        return BeautifulSoup(self.response.text, "html.parser")

    @property
    def text(self) -> str:
        """The page's text, with white space collapsed."""
        main = self.page.find("main") or self.page
        return " ".join(main.get_text(" ").split())

    @property
    def title(self) -> str:
        """The page's heading."""
        heading = self.page.find("h1")
        return heading.get_text(strip=True) if heading else ""

    @property
    def status(self) -> int:
        assert self.response is not None
        return self.response.status_code

    def open(self, url: str, **options: Any) -> "Browser":
        """Follows redirects."""
        return self._show(self.client.get(url, follow_redirects=True, **options))

    def follow(self, words: str) -> "Browser":
        """Follows the link with this text."""
        link = self.page.find("a", string=re.compile(rf"^\s*{re.escape(words)}\s*$"))
        assert link is not None, f"no link {words!r} on {self.url}"
        return self.open(str(link["href"]))

    def press(self, button: str, within: str = "", **typed: Any) -> "Browser":
        """Fills in fields by name and presses a button. None clears a checkbox.

        ``within``: a selector of a part of the page, if several buttons have the same text.
        """
        root = self.page.select_one(within) if within else self.page
        assert root is not None, f"nothing is {within!r} on {self.url}"
        found = [b for b in root.find_all("button") if " ".join(b.get_text(" ").split()) == button]
        assert found, f"no button {button!r} on {self.url}: {self.text[:400]}"
        form = found[0].find_parent("form")
        assert form is not None
        fields = _fields(form) | typed
        data = {name: value for name, value in fields.items() if value is not None}
        if found[0].get("name"):
            data[str(found[0]["name"])] = found[0].get("value", "")
        action = str(found[0].get("formaction") or form.get("action") or self.url)
        if str(form.get("method", "get")).lower() == "get":
            return self.open(action, query_string=data)
        return self.post(action, data, kind=form.get("enctype"))

    def post(
        self,
        url: str,
        data: dict[str, Any] | None = None,
        *,
        follow: bool = True,
        kind: str | None = None,
    ) -> "Browser":
        """``kind``: the form's enctype."""
        headers = HTMX if self.htmx else {}
        answer = self.client.post(
            url,
            data=data or {},
            content_type=kind,
            follow_redirects=follow,
            headers=headers,
            buffered=True,
        )
        for one in (*answer.history, answer):  # Werkzeug doesn't close what it sent
            one.request.environ["wsgi.input"].close()
        return self._show(answer)

    def log_in(self, email: str, password: str) -> "Browser":
        return self.open("/login").press("Log in", email=email, password=password)

    def _show(self, answer: TestResponse) -> "Browser":
        self.response = answer
        self.url = answer.request.path
        return self


def _fields(form: Tag) -> dict[str, Any]:
    """What the form would send without changes, except files."""
    data: dict[str, Any] = {}
    for field in form.find_all(["input", "textarea", "select"]):
        name, kind = field.get("name"), field.get("type", "")
        if not name or kind in ("file", "submit"):
            continue
        if kind in ("radio", "checkbox"):
            if field.has_attr("checked"):
                data[str(name)] = field.get("value", "y")
        elif field.name == "select":
            chosen = field.find("option", selected=True) or field.find("option")
            data[str(name)] = chosen.get("value") if chosen else ""
        elif field.name == "textarea":
            data[str(name)] = field.get_text().lstrip("\n")
        else:
            data[str(name)] = field.get("value", "")
    return data
