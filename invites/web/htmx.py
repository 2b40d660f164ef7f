"""Everything that depends on htmx's request headers."""

import re
from typing import Any, cast
from urllib.parse import urlsplit

from flask import request
from htmx_flask.requests import HtmxAwareRequest, HtmxHeaders

_POLLING_ELEMENTS = re.compile(r"batch-progress|invitation-\d+")  # the ids of elements that poll


def is_htmx() -> bool:
    return bool(_headers())


def wants_fragment() -> bool:
    """False for boosted requests, whose response replaces the whole page."""
    headers = _headers()
    return bool(headers) and not headers.boosted and not headers.history_restore_request


def is_polling() -> bool:
    """Whether an open page sent the request by itself, without a person's action."""
    return bool(_POLLING_ELEMENTS.fullmatch(_headers().trigger or ""))


def page_address() -> str:
    """Path and query of the page that sent the request. Empty if it isn't on this site."""
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
