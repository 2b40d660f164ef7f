"""What a browser says of itself, in words that its owner knows."""

import httpagentparser

_SAID_OTHERWISE = {"ChromiumEdge": "Edge", "Mac OS": "macOS"}


def describe(user_agent: str) -> tuple[str, str]:
    """Browser and system behind a User-Agent header, like Firefox and Linux; "" if unknown."""
    found = httpagentparser.detect(user_agent)
    return _name(found.get("browser")), _name(found.get("platform"))


def _name(part: dict[str, str | None] | None) -> str:
    name = (part or {}).get("name") or ""
    return _SAID_OTHERWISE.get(name, name)
