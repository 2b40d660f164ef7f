"""Numbers out of URLs, forms and tokens."""


def whole_number(text: str | None) -> int | None:
    """The number that ``text`` spells in ASCII digits; None for anything else.

    Also None past 18 digits, so that every integer column can hold the result (up to 2^63).
    """
    is_one = text and len(text) <= 18 and text.isascii() and text.isdecimal()
    return int(text) if text and is_one else None
