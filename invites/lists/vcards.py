"""Reads vCards (2.1, 3.0, 4.0) into a table: one row per card, with its name and addresses."""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from invites.lists.contacts import contacts_table, one_line, unfolded_lines
from invites.lists.csv_rows import check_lines
from invites.lists.table import Table

_BEGIN = re.compile(r"\s*BEGIN:VCARD\s", re.IGNORECASE)
_MAX_ADDRESSES = 10  # per card
_MAX_VALUE = 300  # characters
_PROPERTY = re.compile(
    r"(?:[\w-]+\.)?(EMAIL|FN|N|BEGIN|END)(?![\w-])([^:]*):(.*)", re.IGNORECASE | re.DOTALL
)
_CHARSET = re.compile(
    r'CHARSET="?((?:UTF-|ISO-8859-|WINDOWS-|KOI8-|EUC-)\w+|US-ASCII|SHIFT_JIS|BIG5|GB\d+)'
)
_PREFERRED = re.compile(r"\bPREF\b(?:=(\d{1,3})\b)?")
_ESCAPED = re.compile(r"\\(.)")


class _Property(NamedTuple):
    name: str
    parameters: str
    value: str


@dataclass(slots=True)
class _Card:
    name: str = ""
    name_parts: str = ""
    addresses: list[tuple[int, str]] = field(default_factory=list)  # with their preference

    def row(self) -> list[str]:
        addresses = [address for _, address in sorted(self.addresses, key=lambda one: one[0])]
        return [self.name or self.name_parts, *dict.fromkeys(addresses)]


def is_vcard(text: str) -> bool:
    return bool(_BEGIN.match(text))


def read_vcards(text: str) -> Table:
    """One row per card, preferred addresses first. Raises RuleError(LIST_TOO_LONG)."""
    check_lines(text)
    return contacts_table(card.row() for card in _cards(text))


def _cards(text: str) -> Iterator[_Card]:
    card: _Card | None = None
    for one in _properties(text):
        if one.name == "BEGIN":
            card = _Card()
        elif one.name == "END" and card:
            yield card
            card = None
        elif card:
            _add(card, one)


def _add(card: _Card, one: _Property) -> None:
    if one.name == "FN":
        card.name = card.name or _plain(one.value)
    elif one.name == "N":
        family, given = [*re.split(r"(?<!\\);", one.value), ""][:2]
        card.name_parts = f"{_plain(given)} {_plain(family)}".strip()
    elif len(card.addresses) < _MAX_ADDRESSES and (address := _plain(one.value)):
        card.addresses.append((_preference(one.parameters), address))


def _preference(parameters: str) -> int:
    """1 is the most preferred. Version 4 has numbers from 1 to 100, older versions just PREF."""
    found = _PREFERRED.search(parameters)
    return int(found[1] or 1) if found else 101


def _plain(value: str) -> str:
    text = _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value[:_MAX_VALUE])
    return one_line(text)


def _properties(text: str) -> Iterator[_Property]:
    """Joins folded lines and decodes quoted-printable."""
    for line in unfolded_lines(text):
        found = _PROPERTY.match(line)
        if found:
            name, parameters, value = found[1].upper(), found[2].upper(), found[3]
            yield _Property(name, parameters, _decoded(value, parameters))


def _decoded(value: str, parameters: str) -> str:
    if "QUOTED-PRINTABLE" not in parameters:
        return value
    charset = _CHARSET.search(parameters)
    content = quopri.decodestring(value.encode("utf-8", "replace"))
    try:
        text = content.decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        text = content.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode()  # decoded UTF-7 may contain surrogates
