"""The CSRF token of a page."""

import re

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def token(page: str) -> str:
    """The first form's token. Raises AssertionError if there is none."""
    found = _TOKEN.search(page)
    assert found, "the page has no form"
    return found[1]
