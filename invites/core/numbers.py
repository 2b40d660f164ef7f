"""Parses numbers in URLs, forms, tokens and settings."""

from invites.core.errors import Reason, RuleError


def whole_number(text: str | None) -> int | None:
    """None unless ``text`` is 1 to 18 ASCII digits, which fit in a 64-bit integer."""
    is_one = text and len(text) <= 18 and text.isascii() and text.isdecimal()
    return int(text) if text and is_one else None


def number_up_to(highest: int, text: str) -> int:
    """Parses a number of at least 1. Raises RuleError(NUMBER_OUT_OF_RANGE)."""
    number = whole_number(text.strip())
    if number is None or not 1 <= number <= highest:
        raise RuleError(Reason.NUMBER_OUT_OF_RANGE, limit=highest)
    return number
