"""Parses numbers in URLs, forms and tokens."""


def whole_number(text: str | None) -> int | None:
    """None unless ``text`` is 1 to 18 ASCII digits, which fit into every integer column."""
    is_one = text and len(text) <= 18 and text.isascii() and text.isdecimal()
    return int(text) if text and is_one else None
