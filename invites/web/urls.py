"""Where to go next: the log-in with the way back, and only ways within this site."""

from urllib.parse import urlsplit

from flask import request, url_for

from invites.web.htmx import is_htmx, page_address


def login_url(*, back_to_here: bool = False, next_url: str = "") -> str:
    """The log-in page, which leads on to ``next_url`` or back to the page asked for."""
    if back_to_here:
        if is_htmx():
            next_url = page_address()
        elif request.method == "GET":
            next_url = request.full_path.rstrip("?")
    return url_for("login.form", next=next_url or None)


def safe_next(text: str | None) -> str | None:
    """``text`` if it is a path on this site, else None: no open redirect (ASVS 5.0 1.2.2).

    A browser takes a backslash for a slash and drops control characters, so
    neither may stand in it.
    """
    if not text or not text.startswith("/") or text.startswith("//"):
        return None
    if "\\" in text or not text.isprintable():
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc else text
