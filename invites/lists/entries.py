"""Entries of a list: each should be one address, with a name if there is one."""

import re
from typing import NamedTuple

from invites.core.addresses import visible
from invites.core.text_fields import JOINERS, NAME_LENGTH, name_or_nothing
from invites.lists.column_headers import email_weight

MAX_ENTRIES = 50_000  # in a file, or in a file and the Email field together
MAX_TEXT = 1000  # characters; longer than any address, so that people see what is wrong

_OPENING = "\"'([{<“”‘’„«»` "
_CLOSING = "\"')]}>“”‘’«»` .,;:!"
SURROUNDING = _OPENING + _CLOSING  # often copied along with an address

_PLAIN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NAME_AND_ADDRESS = re.compile(r"([^@<>()\[\]]*)[<(\[]([^@<>()\[\]\s]+@[^@<>()\[\]\s]+)[>)\]]\W*")
# A name, a colon or a dash, and an address.
_NAME_BEFORE_ADDRESS = re.compile(
    r"([^@<>()\[\],;|:]{0,99}?[^\s@<>()\[\],;|:])(?:\s*:\s*|\s+[-\u2013\u2014]+\s+)([\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
)
_BULLET = re.compile(
    r"\s*(?:[•·▪◦‣●○■□►→✓✔☐]+|\(?\d{1,5}\)|(?:[-*\u2013\u2014]+|\d{1,5}\.)(?=\s))\s*"
)
_LABELS = frozenset(("work", "home", "private", "privat", "office", "to", "cc", "bcc", "from"))

# Signs of a wrong encoding, such as UTF-8 that was read as a single-byte encoding.
_GARBLED = re.compile("[\x80-\x9f¡-©«-³¶\u00b8¹»-¿÷]")


class Entry(NamedTuple):
    """``text`` should be an address. ``row``: its number in the file, from 1.

    ``kept_as_is``: a member confirmed that the address isn't misspelled.
    ``other_cells``: the text of a row without an address, such as a title or a sum.
    """

    text: str
    row: int | None = None
    name: str = ""
    kept_as_is: bool = False
    other_cells: str = ""


def read_cell(cell: str, name: str = "") -> tuple[str, str]:
    """The text and name of an entry. ``cell`` has the address, ``name`` is another cell.

    ``Name <address>`` gives both. Spaces are kept: ``ada okafor@example.org`` is more likely an
    address with a typo than a name followed by someone else's address.
    """
    is_word = cell.strip(SURROUNDING) == cell and ":" not in cell and " " not in cell
    if is_word and cell.isascii() and len(cell) <= MAX_TEXT:  # nearly always
        return cell, name and name_in(name)
    cell = cell[:MAX_TEXT]
    both = _NAME_AND_ADDRESS.fullmatch(cell)
    if both:
        return strip_surrounding(both[2]), name_in(name) or name_before_address(both[1])
    bare = strip_surrounding(visible(without_bullet(cell)))
    if _PLAIN_ADDRESS.fullmatch(bare):
        return bare, name_in(name)
    listed = read_listed(cell)
    return (listed[0], name_in(name) or listed[1]) if listed else (cell, name_in(name))


def without_bullet(line: str) -> str:
    """``Ada`` for ``- Ada``, ``1. Ada``, ``2) Ada``."""
    found = _BULLET.match(line)
    return line[found.end() :] if found else line


def read_listed(text: str) -> tuple[str, str] | None:
    """Address and name of ``Ada: ada@example.org``, with or without a bullet or number."""
    found = _NAME_BEFORE_ADDRESS.fullmatch(strip_surrounding(without_bullet(text)))
    label = found[1].strip() if found else ""
    if (
        not found
        or label.casefold() in _LABELS
        or email_weight(label) > 1
        or not label[:1].isalpha()
    ):
        return None
    return found[2], name_in(label)


def first_of_several(text: str) -> str:
    """The first of several addresses, which Google Contacts separates with ``:::``."""
    return text.partition(":::")[0]


def strip_surrounding(text: str) -> str:
    """Removes quotes, brackets and ``mailto:`` around an address."""
    text = text.strip().lstrip(_OPENING).rstrip(_CLOSING)
    if text.lower().startswith("mailto:"):
        text = text[7:].partition("?")[0].lstrip(_OPENING).rstrip(_CLOSING)
    return text


def name_before_address(text: str) -> str:
    """Removes quotes, and labels such as the ``From:`` of a copied message."""
    return name_in(text.rpartition(":")[2].strip("\"'“”‘’„«» ,;"))


def name_in(cell: str) -> str:
    """Returns "" if ``clean_name`` refuses it, or if wrong decoding made it unreadable."""
    name = cell.strip()
    if len(name) > NAME_LENGTH:
        name = name[:NAME_LENGTH].rstrip()
    if not name.isascii() and _GARBLED.search(name):
        name = _repaired(name)
    if "\ufffd" in name:
        return ""
    if not name.isprintable():
        letters = (c for c in " ".join(name.split()) if c.isprintable() or c in JOINERS)
        name = "".join(letters)
    return name_or_nothing(name)


def _repaired(name: str) -> str:
    """``Jürgen`` for ``JÃ¼rgen``, or ""."""
    try:
        return name.encode("cp1252").decode()
    except UnicodeError:
        return ""
