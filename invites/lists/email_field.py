"""Parses and formats the text of the Email field."""

import re
from itertools import zip_longest

from invites.core.addresses import visible
from invites.core.text_fields import JOINERS
from invites.lists.entries import (
    MAX_ENTRIES,
    SURROUNDING,
    Entry,
    name_before_address,
    read_listed,
    strip_surrounding,
    without_bullet,
)
from invites.lists.suggestions import is_split_address

_MAX_PART = 500  # characters of a text that is examined as one address
_MAX_INVALID_TEXT = 100  # characters kept of a text without an address
_SEPARATOR = re.compile(r"[,;\n\r\t\u2028\u2029|]")
_LINE_END = re.compile(r"[\n\r\u2028\u2029]")
_ADDRESS_WITHOUT_AT = re.compile(r"[^\W_][\w.-]*\w\.[a-z]{2,}")
_SPACES = re.compile(r"(\s+)")
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
_NAME_AND_ADDRESS = re.compile(r"[^@<>]*<[^<>@]*@[^<>]*>")  # never backtracks for long


def read_field(text: str) -> list[Entry]:
    """The entries of a typed or pasted list, in order.

    They are separated by commas, semicolons, spaces or line breaks. ``Name <address>`` is one
    entry, with or without quotes around the name. Lines with tabs are rows pasted from a table.
    Stops after 50,001 entries.
    """
    entries: list[Entry] = []
    lines = _without_numbers([line for line in _LINE_END.split(_visible(text)) if line.strip()])
    for number, line in enumerate(lines):
        if "\t" not in line.strip():
            entries.extend(_read_line(without_bullet(line)))
        elif not (number == 0 and _is_header(line, lines[1:2])):
            entries.extend(_read_table_row(line))
        if len(entries) > MAX_ENTRIES:
            break
    return entries


def format_entry(address: str, name: str = "") -> str:
    """The inverse of ``read_field``."""
    if not name or "<" in address:
        return address
    return f'"{name}" <{address}>' if _SEPARATOR.search(name) else f"{name} <{address}>"


def replace_entry(text: str, wrong: str, right: str) -> str:
    entry = rf"(?<![\w.@+-]){re.escape(wrong)}(?![\w@+-]|\.\w)"
    return re.sub(entry, lambda _found: right, _visible(text))


def _visible(text: str) -> str:
    """Removes invisible characters, except joiners in names."""
    if text.isascii():
        return text
    pieces = _SPACES.split(text)
    return "".join(visible(piece, keep="" if "@" in piece else JOINERS) for piece in pieces)


def _without_numbers(lines: list[str]) -> list[str]:
    """``ada@example.org`` for ``1.ada@example.org``, if all lines are numbered."""
    numbered = [(f"{number}.", line.strip()) for number, line in enumerate(lines, start=1)]
    if len(lines) > 1 and all(line.startswith(number) for number, line in numbered):
        return [line.removeprefix(number) for number, line in numbered]
    return lines


def _is_header(line: str, following: list[str]) -> bool:
    return "@" not in line and any("\t" in below and "@" in below for below in following)


def _read_table_row(line: str) -> list[Entry]:
    cells = [cell.strip() for cell in line.split("\t")]
    with_address = [cell for cell in cells if "@" in cell or _ADDRESS_WITHOUT_AT.fullmatch(cell)]
    if not with_address:
        return [Entry(" ".join(line.split())[:_MAX_INVALID_TEXT])]
    entries = [entry for cell in with_address for entry in _read_line(cell)]
    others = set(cells).difference(with_address)
    names = [cell for cell in cells if cell in others and _is_name(cell)]
    if len(entries) == len(names) == 1 and not entries[0].name:
        return [entries[0]._replace(name=name_before_address(names[0]))]
    return entries


def _read_line(line: str) -> list[Entry]:
    entries: list[Entry] = []
    surname = ""
    parts = _split_outside_quotes(line)
    for part, following in zip_longest(parts, parts[1:], fillvalue=""):
        if "@" not in part and _is_name(part) and _NAME_AND_ADDRESS.match(following):
            surname = part  # "Ray" in "Ray, Ben <ben@example.org>"
            continue
        found = _read_part(part)
        if surname and found[0].name:
            full_name = name_before_address(f"{surname}, {found[0].name}")
            found[0] = found[0]._replace(name=full_name)
        surname = ""
        entries.extend(found)
        if len(entries) > MAX_ENTRIES:
            break
    return entries


def _split_outside_quotes(line: str) -> list[str]:
    """Splits at separators outside of quotes. An unpaired quote, as in O"Neil, is ignored."""
    has_pairs = line.count('"') % 2 == 0
    parts = re.findall(r'(?:"[^"]*"|[^,;\t|"]+)+', line) if has_pairs else _SEPARATOR.split(line)
    return [part.strip() for part in parts if part.strip(SURROUNDING)]


def _is_name(text: str) -> bool:
    words = text.replace('"', "").split()
    return bool(words) and all(word[0].isalpha() for word in words)


def _read_part(part: str) -> list[Entry]:
    in_brackets = [inside.strip() for inside in _IN_BRACKETS.findall(part)]
    if in_brackets:
        rest = [word for word in _IN_BRACKETS.sub(" ", part).split() if "@" in word.strip("@")]
        texts = in_brackets + rest
        name = name_before_address(part.partition("<")[0]) if len(texts) == 1 else ""
        whole = part[:_MAX_INVALID_TEXT]
        return [Entry(strip_surrounding(text) or whole, name=name) for text in texts]
    listed = read_listed(part)
    if listed:
        return [Entry(listed[0], name=listed[1])]
    if is_split_address(part[:_MAX_PART]):
        return [Entry(part)]
    words = [word for word in part.split() if "@" in word or _ADDRESS_WITHOUT_AT.fullmatch(word)]
    return [Entry(strip_surrounding(word) or part) for word in words] or [Entry(part)]
