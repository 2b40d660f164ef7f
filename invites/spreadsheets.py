"""Reads an uploaded CSV file into entries, or says in one reason why it can't be."""

import codecs
import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from invites.recipients import MAX_ENTRIES, Entry
from invites.refusals import Reason, Refused

MAX_MEGABYTES = 20
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024
_MAX_CELL = 100_000  # characters; more is an unclosed quote or an attack
_KEPT_CELL = 1000  # characters; an address has 254, and a person wants to see what is wrong
_SNIFFED = 64 * 1024  # characters that tell encoding and separator
_LOOKED_AT = 1000  # rows and columns that tell which column has the addresses

_NOT_TEXT_STARTS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"Rar!", b"\x7fELF")
_WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, and .xls


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    cells: list[str]


def read_csv(content: bytes) -> list[Entry]:
    """The entries of the e-mail column, with the number of their row; empty cells are left out.

    UTF-8 and UTF-16 with or without mark, or Windows-1252; commas, semicolons,
    tabs or pipes; with a header or without. Raises Refused(FILE_*).
    """
    if len(content) > MAX_BYTES:
        raise Refused(Reason.FILE_TOO_LARGE, limit=MAX_MEGABYTES)
    text = _decode(content)
    if not text.strip():
        raise Refused(Reason.FILE_EMPTY)
    first_rows = list(itertools.islice(_rows(text), _LOOKED_AT))
    column = _email_column(first_rows)
    header = first_rows[0].number if _is_header(first_rows[0]) else 0
    entries = [
        Entry(row.cells[column].strip()[:_KEPT_CELL], row.number)
        for row in _rows(text, limit=MAX_ENTRIES + bool(header))
        if row.number != header and len(row.cells) > column and row.cells[column].strip()
    ]
    if not any("@" in entry.text for entry in entries):
        raise Refused(Reason.FILE_NO_ADDRESSES)
    return entries


def _decode(content: bytes) -> str:
    if content.startswith(_WORKBOOK_STARTS):
        raise Refused(Reason.FILE_SPREADSHEET)
    if content.startswith(_NOT_TEXT_STARTS):
        raise Refused(Reason.FILE_NOT_TEXT)
    text = _decoded(content)
    if "\0" in text or _share_of_control(text[:_SNIFFED]) > 0.01:
        raise Refused(Reason.FILE_NOT_TEXT)
    return text


def _decoded(content: bytes) -> str:
    for encoding in _likely_encodings(content):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(Reason.FILE_NOT_TEXT)


def _likely_encodings(content: bytes) -> Iterable[str]:
    if content.startswith(codecs.BOM_UTF8):
        return ["utf-8-sig"]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    even, odd = content[:_SNIFFED:2].count(0), content[1:_SNIFFED:2].count(0)
    if max(even, odd) > len(content[:_SNIFFED]) // 5:
        return ["utf-16-be" if even > odd else "utf-16-le"]
    return ["utf-8", "cp1252"]


def _share_of_control(text: str) -> float:
    control = sum(1 for c in text if c < " " and c not in "\t\n\r\f")
    return control / max(len(text), 1)


def _rows(text: str, limit: int = MAX_ENTRIES + 1) -> Iterator[_Row]:
    """The rows with something in them, one at a time; more than ``limit`` refuse the file.

    Empty rows count in the numbers. Nothing is kept: 20 MB can hold millions of cells.
    """
    csv.field_size_limit(_MAX_CELL)
    filled = 0
    lines = io.StringIO(text, newline="")
    try:
        for number, cells in enumerate(csv.reader(lines, delimiter=_delimiter(text)), start=1):
            if not any(cell.strip() for cell in cells):
                continue
            filled += 1
            if filled > limit:
                raise Refused(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
            yield _Row(number, cells)
    except csv.Error:
        raise Refused(Reason.FILE_BROKEN_QUOTES) from None


def _is_header(row: _Row) -> bool:
    return not any("@" in cell for cell in row.cells)


def _delimiter(text: str) -> str:
    """The separator that cuts the first rows most evenly; a comma when nothing cuts them."""
    lines = [line for line in text[:_SNIFFED].splitlines() if line.strip()][:20] or [""]
    counts = {mark: [line.count(mark) for line in lines] for mark in ",;\t|"}
    return max(counts, key=lambda mark: (min(counts[mark]), sum(counts[mark])))


def _email_column(rows: Sequence[_Row]) -> int:
    """The column whose cells look most like addresses."""
    looks: Counter[int] = Counter()
    for row in rows:
        looks.update(column for column, cell in enumerate(row.cells[:_LOOKED_AT]) if "@" in cell)
    if not looks:
        raise Refused(Reason.FILE_NO_ADDRESSES)
    return looks.most_common(1)[0][0]
