"""Reads the browser and operating system from a User-Agent header."""

import httpagentparser

_USUAL_NAMES = {"ChromiumEdge": "Edge", "Mac OS": "macOS"}


def describe(user_agent: str) -> tuple[str, str]:
    """Browser and operating system, such as "Firefox" and "Linux"; "" if unknown."""
    found = httpagentparser.detect(user_agent)
    return _name(found.get("browser")), _name(found.get("platform"))


def _name(part: dict[str, str | None] | None) -> str:
    name = (part or {}).get("name") or ""
    return _USUAL_NAMES.get(name, name)
