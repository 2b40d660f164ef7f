"""The token of a form, as a browser would send it back."""

import re

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def token(page: str) -> str:
    """That of the first form of a page. Raises AssertionError where there is none."""
    found = _TOKEN.search(page)
    assert found, "the page has no form"
    return found[1]
