"""Builds and checks URLs to the login page and back."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, url_for
from werkzeug.routing import IntegerConverter, UnicodeConverter

from invites.core.numbers import whole_number
from invites.core.tokens import repaired
from invites.web.htmx import is_htmx, page_address


class _Number(IntegerConverter):
    """A row's id. Numbers longer than any id become 0, which no row has."""

    def to_python(self, value: str) -> int:
        return whole_number(value) or 0


class _Token(UnicodeConverter):
    """Repairs the token of a link that a program has damaged."""

    def to_python(self, value: str) -> str:
        return repaired(value)


def init_app(app: Flask) -> None:
    """Call it before the blueprints are registered."""
    app.url_map.converters["int"] = _Number
    app.url_map.converters["token"] = _Token
    app.url_defaults(_add_slug)


def login_url(*, back_to_here: bool = False, next_url: str = "") -> str:
    """After login, leads to ``next_url`` or, with ``back_to_here``, to the current page."""
    if back_to_here:
        if is_htmx():
            next_url = page_address()
        elif request.method == "GET":
            next_url = request.full_path.rstrip("?")
    return url_for("login.form", next=next_url or None)


def page_of_this_request() -> str:
    """The path of this request if it can be opened, otherwise an empty string."""
    adapter = current_app.create_url_adapter(request)
    return request.path if adapter and adapter.test(request.path, "GET") else ""


def safe_next(text: str | None) -> str | None:
    """Returns None unless ``text`` is a path on this site (ASVS 5.0 1.2.2).

    Refuses backslashes and control characters too: browsers read a backslash as a slash and drop
    control characters.
    """
    if not text or not text.startswith("/") or text.startswith("//"):
        return None
    if "\\" in text or not text.isprintable():
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc else text


def _add_slug(endpoint: str, values: dict[str, Any]) -> None:
    """Lets ``url_for`` be called without the slug on the pages of an account."""
    current = g.get("current")  # the account context, see access.py
    expects = current_app.url_map.is_endpoint_expecting(endpoint, "slug")
    if current and expects and "slug" not in values:
        values["slug"] = current.account.slug
