"""Entries of a list: each should be one address, with a name if there is one."""

import re
from typing import NamedTuple

from invites.core.addresses import visible
from invites.core.errors import RuleError
from invites.core.text_fields import NAME_LENGTH, clean_name

MAX_ENTRIES = 50_000  # in a file, or in a file and the Email field together
MAX_TEXT = 1000  # characters; an address has 254, and people want to see what is wrong

_OPENING = "\"'([{<“”‘’„«»` "
_CLOSING = "\"')]}>“”‘’«»` .,;:!"
SURROUNDING = _OPENING + _CLOSING  # often copied along with an address

_PLAIN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NAME_AND_ADDRESS = re.compile(r"([^@<>()\[\]]*)[<(\[]([^@<>()\[\]\s]+@[^@<>()\[\]\s]+)[>)\]]\W*")
# Matches only names that clean_name accepts, and is faster.
_PLAIN_NAME = re.compile(r"[^\W\d_][\w',() -]*(?:\.(?: [\w',() -]*|$))*")


class Entry(NamedTuple):
    """``text`` should be an address. ``row`` is its number in the file (from 1).

    ``kept_as_is``: a member confirmed that the address isn't misspelled.
    """

    text: str
    row: int | None = None
    name: str = ""
    kept_as_is: bool = False


def read_cell(cell: str, name: str = "") -> tuple[str, str]:
    """Text and name of an entry. ``cell`` has the address, ``name`` is another cell.

    ``Name <address>`` gives both. Spaces are kept: ``ada okafor@example.org`` is more likely an
    address with a typo than a name followed by someone else's address.
    """
    is_clean = cell.strip(SURROUNDING) == cell and ":" not in cell and cell.isascii()
    if is_clean and len(cell) <= MAX_TEXT:  # nearly always
        return cell, name and name_in(name)
    cell = cell[:MAX_TEXT]
    both = _NAME_AND_ADDRESS.fullmatch(cell)
    if both:
        return strip_surrounding(both[2]), name_in(name) or name_before_address(both[1])
    bare = strip_surrounding(visible(cell))
    return bare if _PLAIN_ADDRESS.fullmatch(bare) else cell, name_in(name)


def strip_surrounding(text: str) -> str:
    """Removes quotes, brackets and ``mailto:`` around an address."""
    text = text.strip().lstrip(_OPENING).rstrip(_CLOSING)
    if text.lower().startswith("mailto:"):
        text = text[7:].partition("?")[0].lstrip(_OPENING).rstrip(_CLOSING)
    return text


def name_before_address(text: str) -> str:
    """Removes quotes, and ``From:`` of a copied mail."""
    return name_in(text.rpartition(":")[2].strip("\"'“”‘’„«» ,;"))


def name_in(cell: str) -> str:
    """Empty if ``clean_name`` refuses it or it was decoded wrongly."""
    name = cell.strip()
    if len(name) > NAME_LENGTH:
        name = name[:NAME_LENGTH].rstrip()
    if name.replace(" ", "").replace(",", "").isalnum() or _PLAIN_NAME.fullmatch(name):
        return name
    if "\ufffd" in name:
        return ""
    try:
        return clean_name("".join(filter(str.isprintable, " ".join(name.split()))))
    except RuleError:
        return ""
