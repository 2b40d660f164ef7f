"""Folds case and accents, so that searching for "o" finds "Ö" and lists sort them together."""

import re
import unicodedata

_ACCENTS = re.compile("[\u0300-\u036f]")  # NFKD splits them from their letters


def fold(text: str | None) -> str | None:
    if text is None:
        return None
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
