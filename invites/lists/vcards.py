"""Reads vCards (2.1, 3.0, 4.0) into a table: a row per card, with its name and addresses."""

import csv
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from invites.core.errors import Reason, RuleError
from invites.lists.csv_rows import check_lines
from invites.lists.entries import MAX_ENTRIES
from invites.lists.table import VCARD_DELIMITER, Table

_BEGIN = re.compile(r"\s*BEGIN:VCARD\s", re.IGNORECASE)
_MAX_ADDRESSES = 10  # per card
_MAX_VALUE = 300  # characters
_MAX_PROPERTY = 10_000  # characters; photos are longer, and not needed
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


class _ListWriter:
    """A file for csv.writer. io.StringIO would take four bytes per character."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def is_vcard(text: str) -> bool:
    return bool(_BEGIN.match(text))


def read_vcards(text: str) -> Table:
    """One row per card, preferred addresses first. Raises RuleError(LIST_TOO_LONG)."""
    check_lines(text)
    lines: list[str] = []
    writer = csv.writer(_ListWriter(lines), delimiter=VCARD_DELIMITER, lineterminator="\n")
    widest = 2
    for card in _cards(text):
        row = card.row()
        widest = max(widest, len(row))
        writer.writerow(row)
    header = ["Name", "Email", *(f"Email {n}" for n in range(2, widest))]
    return Table(VCARD_DELIMITER.join(header) + "\n" + "".join(lines), VCARD_DELIMITER)


def _cards(text: str) -> Iterator[_Card]:
    card: _Card | None = None
    count = 0
    for one in _properties(text):
        if one.name == "BEGIN":
            card = _Card()
        elif one.name == "END" and card:
            count += 1
            if count > MAX_ENTRIES:
                raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
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
    elif len(card.addresses) < _MAX_ADDRESSES:
        card.addresses.append((_preference(one.parameters), _plain(one.value)))


def _preference(parameters: str) -> int:
    """1 is preferred most. Version 4 has numbers from 1 to 100, older versions just PREF."""
    found = _PREFERRED.search(parameters)
    return int(found[1] or 1) if found else 101


def _plain(value: str) -> str:
    text = _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value[:_MAX_VALUE])
    return " ".join(text.replace(VCARD_DELIMITER, " ").split())


def _properties(text: str) -> Iterator[_Property]:
    """Joins folded lines and decodes quoted-printable."""
    for line in _unfolded(text):
        found = _PROPERTY.match(line)
        if found:
            name, parameters, value = found[1].upper(), found[2].upper(), found[3]
            yield _Property(name, parameters, _decoded(value, parameters))


def _unfolded(text: str) -> Iterator[str]:
    """Joins continued lines: those after a = in quoted-printable, or that begin with a space."""
    whole, is_quoted = "", False
    for line in _lines(text):
        if line[:1] in (" ", "\t"):
            if len(whole) < _MAX_PROPERTY:
                whole += line[1:]
        elif whole.endswith("=") and (is_quoted or _is_quoted(whole[:_MAX_VALUE])):
            is_quoted = True
            whole = whole[:-1] + line if len(whole) < _MAX_PROPERTY else whole
        else:
            yield whole
            whole, is_quoted = line, False
    yield whole


def _is_quoted(start: str) -> bool:
    return "QUOTED-PRINTABLE" in start.partition(":")[0].upper()


def _lines(text: str) -> Iterator[str]:
    """One at a time: all at once would take hundreds of megabytes."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start : min(end, start + _MAX_PROPERTY)]
        start = end + 1


def _decoded(value: str, parameters: str) -> str:
    if "QUOTED-PRINTABLE" not in parameters:
        return value
    charset = _CHARSET.search(parameters)
    content = quopri.decodestring(value.encode("utf-8", "replace"))
    try:
        text = content.decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        text = content.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode()  # UTF-7 may contain surrogates
