"""The one place that knows htmx: what it asks, and what it is told."""

from typing import Any, cast
from urllib.parse import urlsplit

from flask import request
from htmx_flask.requests import HtmxAwareRequest, HtmxHeaders

_ASKS_BY_ITSELF = "batch-progress"  # the id of what has a trigger like "every 2s"


def is_htmx() -> bool:
    """Whether htmx asks."""
    return bool(_headers())


def wants_fragment() -> bool:
    """Whether htmx will swap the answer into a page, and not take it for a page."""
    headers = _headers()
    return bool(headers) and not headers.boosted and not headers.history_restore_request


def asks_by_itself() -> bool:
    """Whether an open page asks how far a batch is, and nobody has pressed anything."""
    return bool(_headers().trigger == _ASKS_BY_ITSELF)


def page_address() -> str:
    """The path of the page that htmx runs in; empty when it isn't one of ours."""
    try:
        parts = urlsplit(_headers().current_url or "")
    except ValueError:
        return ""
    if parts.netloc != request.host:
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _headers() -> HtmxHeaders:
    asked: Any = cast(HtmxAwareRequest, request)
    return cast(HtmxHeaders, asked.htmx)
