"""Parses and formats the text of the Email field."""

import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise

from invites.core.addresses import visible
from invites.core.errors import Reason, RuleError
from invites.core.text_fields import JOINERS
from invites.lists.csv_rows import MAX_CELLS
from invites.lists.entries import (
    MAX_ENTRIES,
    MAX_TEXT,
    SURROUNDING,
    Entry,
    name_before_address,
    read_listed,
    strip_surrounding,
    without_bullet,
)
from invites.lists.suggestions import is_split_address

_MAX_PART = 500  # characters examined for a single address with spaces in it
_MAX_LINE = 100_000  # characters; a longer line loses the joiners in its names
_MAX_INVALID_TEXT = 100  # characters of a row or part that are kept if it has no address
_MAX_LINES = 6 * MAX_ENTRIES  # empty lines count, and browsers end each with two characters
_MAX_CELLS = 20 * MAX_ENTRIES
_LINE_ENDS = "\n\r\u2028\u2029"
_SEPARATOR = re.compile(r"[,;\n\r\t\u2028\u2029|]")
_LINE = re.compile(r"[^\n\r\u2028\u2029]+")
_PART = re.compile(r"[^,;\t|]+")
_PART_WITH_QUOTES = re.compile(r'(?:"[^"]*+"|[^,;\t|"]++)++')  # possessive, to save memory
_WORD = re.compile(r"\S+")
_ADDRESS_WITHOUT_AT = re.compile(r"[^\W_][\w.-]*\w\.[a-z]{2,}")
_SPACES = re.compile(r"(\s+)")
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
_NAME_AND_ADDRESS = re.compile(r"[^@<>]*<[^<>@]*@[^<>]*>")  # takes linear time


def read_field(text: str) -> list[Entry]:
    """The entries of a typed or pasted list, in order.

    They are separated by commas, semicolons, spaces or line breaks. ``Name <address>`` is one
    entry, with or without quotes around the name. Lines with tabs are rows pasted from a table.
    Stops after 50,001 entries. Raises RuleError(LIST_TOO_LONG) for far more separators than that.
    """
    if _count(text, _LINE_ENDS) > _MAX_LINES or _count(text, ",;\t|") > _MAX_CELLS:
        raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
    return list(islice(_read(text), MAX_ENTRIES + 1))


def _count(text: str, separators: str) -> int:
    return sum(map(text.count, separators))


def format_entry(address: str, name: str = "") -> str:
    """The text that ``read_field`` reads as this entry."""
    if not name or "<" in address:
        return address
    return f'"{name}" <{address}>' if _SEPARATOR.search(name) else f"{name} <{address}>"


def replace_entry(text: str, wrong: str, right: str) -> str:
    entry = rf"(?<![\w.@+-]){re.escape(wrong)}(?![\w@+-]|\.\w)"
    visible_text = _LINE.sub(lambda found: _visible(found[0]), text)
    return re.sub(entry, lambda _found: right, visible_text)


def _visible(line: str) -> str:
    """Removes invisible characters, except joiners in names."""
    if line.isascii() or len(line) > _MAX_LINE:
        return visible(line)
    pieces = _SPACES.split(line)
    return "".join(visible(piece, keep="" if "@" in piece else JOINERS) for piece in pieces)


def _read(text: str) -> Iterator[Entry]:
    """One entry at a time, so that a limit ends all loops."""
    lines = _without_numbers(text)
    first = list(islice(lines, 2))
    if first and _is_header(first[0], first[1:]):
        del first[0]
    for line in chain(first, lines):
        is_row = "\t" in line.strip()
        yield from _read_table_row(line) if is_row else _read_line(without_bullet(line))


def _lines(text: str) -> Iterator[str]:
    visible_lines = (_visible(found[0]) for found in _LINE.finditer(text))
    return (line for line in visible_lines if line.strip())


def _without_numbers(text: str) -> Iterator[str]:
    """``ada@example.org`` for ``1.ada@example.org``, if all lines are numbered."""
    are_numbered = _are_numbered(_lines(text))
    for number, line in enumerate(_lines(text), start=1):
        yield line.strip().removeprefix(f"{number}.") if are_numbered else line


def _are_numbered(lines: Iterator[str]) -> bool:
    number = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip().startswith(f"{number}."):
            return False
    return number > 1


def _is_header(line: str, following: list[str]) -> bool:
    is_row = "\t" in line.strip() and "@" not in line
    return is_row and any("\t" in below and "@" in below for below in following)


def _read_table_row(line: str) -> Iterator[Entry]:
    cells = [cell.strip() for cell in line.split("\t", MAX_CELLS)]
    with_address = [cell for cell in cells if "@" in cell or _ADDRESS_WITHOUT_AT.fullmatch(cell)]
    if not with_address:
        yield Entry(" ".join(line[: 10 * _MAX_INVALID_TEXT].split())[:_MAX_INVALID_TEXT])
        return
    entries = chain.from_iterable(map(_read_line, with_address))
    first = list(islice(entries, 2))
    if len(first) == 1 and not first[0].name:
        others = set(cells).difference(with_address)
        names = [cell for cell in cells if cell in others and _is_name(cell)]
        if len(names) == 1:
            first = [first[0]._replace(name=name_before_address(names[0]))]
    yield from chain(first, entries)


def _read_line(line: str) -> Iterator[Entry]:
    surname = ""
    for part, following in pairwise(chain(_split_outside_quotes(line), [""])):
        if "@" not in part and _is_name(part) and _NAME_AND_ADDRESS.match(following):
            surname = part  # "Ray" in "Ray, Ben <ben@example.org>"
            continue
        entries = _read_part(part)
        if surname:
            first = next(entries)
            full_name = name_before_address(f"{surname}, {first.name}") if first.name else ""
            yield first._replace(name=full_name)
            surname = ""
        yield from entries


def _split_outside_quotes(line: str) -> Iterator[str]:
    """Splits at separators outside of quotes. If one is unpaired, as in O"Neil, ignores quotes."""
    has_pairs = line.count('"') % 2 == 0
    for found in (_PART_WITH_QUOTES if has_pairs else _PART).finditer(line):
        part = found[0].strip()
        if part.strip(SURROUNDING):
            yield part


def _is_name(text: str) -> bool:
    if len(text) > MAX_TEXT:
        return False
    words = text.replace('"', "").split()
    return bool(words) and all(word[0].isalpha() for word in words)


def _read_part(part: str) -> Iterator[Entry]:
    """At least one entry."""
    in_brackets = (found[1].strip() for found in _IN_BRACKETS.finditer(part))
    first = next(in_brackets, None)
    if first is None:
        yield from _read_words(part)
        return
    outside = (found[0] for found in _WORD.finditer(_IN_BRACKETS.sub(" ", part)))
    texts = chain([first], in_brackets, (word for word in outside if "@" in word.strip("@")))
    one_or_two = list(islice(texts, 2))
    name = name_before_address(part.partition("<")[0]) if len(one_or_two) == 1 else ""
    whole = part[:_MAX_INVALID_TEXT]
    for text in chain(one_or_two, texts):
        yield Entry(strip_surrounding(text)[:MAX_TEXT] or whole, name=name)


def _read_words(part: str) -> Iterator[Entry]:
    """At least one entry."""
    whole = part[:MAX_TEXT]
    listed = read_listed(part) if len(part) <= MAX_TEXT else None
    if listed:
        yield Entry(listed[0], name=listed[1])
        return
    words = (found[0] for found in _WORD.finditer(part))
    found = (word for word in words if "@" in word or _ADDRESS_WITHOUT_AT.fullmatch(word))
    first = next(found, None)
    if first is None or is_split_address(part[:_MAX_PART]):
        yield Entry(whole)
        return
    for word in chain([first], found):
        yield Entry(strip_surrounding(word)[:MAX_TEXT] or whole)
