"""Reads an uploaded CSV file into entries, or says in one reason why it can't be."""

import codecs
import csv
import io
from collections.abc import Iterable

from invites.recipients import MAX_ENTRIES, Entry
from invites.refusals import Reason, Refused

MAX_BYTES = 20 * 1024 * 1024
_MAX_CELL = 100_000  # characters; more is an unclosed quote or an attack
_SNIFFED = 64 * 1024

_NOT_TEXT_STARTS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"Rar!", b"\x7fELF")
_WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, and .xls


def read_csv(content: bytes) -> list[Entry]:
    """The entries of the e-mail column, with the number of their row; empty cells are left out.

    UTF-8 and UTF-16 with or without mark, or Windows-1252; commas, semicolons,
    tabs or pipes; with a header or without. Raises Refused(FILE_*).
    """
    if len(content) > MAX_BYTES:
        raise Refused(Reason.FILE_TOO_LARGE, limit=MAX_BYTES // 1024 // 1024)
    text = _decode(content)
    if not text.strip():
        raise Refused(Reason.FILE_EMPTY)
    rows = _rows(text)
    column = _email_column(rows)
    has_header = bool(rows) and "@" not in "".join(rows[0])
    cells = (
        (number, row[column].strip())
        for number, row in enumerate(rows, start=1)
        if len(row) > column and not (has_header and number == 1)
    )
    entries = [Entry(text, number) for number, text in cells if text]
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


def _rows(text: str) -> list[list[str]]:
    """All rows with something in them keep their number; more than 50,000 refuse the file."""
    csv.field_size_limit(_MAX_CELL)
    lines = io.StringIO(text, newline="")
    rows: list[list[str]] = []
    filled = 0
    try:
        for row in csv.reader(lines, delimiter=_delimiter(text), strict=False):
            rows.append(row)
            filled += any(cell.strip() for cell in row)
            if filled > MAX_ENTRIES + 1:
                raise Refused(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
    except csv.Error:
        raise Refused(Reason.FILE_BROKEN_QUOTES) from None
    if filled > MAX_ENTRIES and "@" in "".join(rows[0]):
        raise Refused(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
    return rows


def _delimiter(text: str) -> str:
    """The separator that cuts the first rows most evenly; a comma when nothing cuts them."""
    lines = text[:_SNIFFED].splitlines()[:20]
    counts = {mark: [line.count(mark) for line in lines if line.strip()] for mark in ",;\t|"}
    return max(counts, key=lambda mark: (min(counts[mark]), sum(counts[mark])))


def _email_column(rows: list[list[str]]) -> int:
    """The column whose cells look most like addresses in the first thousand rows."""
    looks: dict[int, int] = {}
    for row in rows[:1000]:
        for column, cell in enumerate(row[:1000]):
            if "@" in cell:
                looks[column] = looks.get(column, 0) + 1
    if not looks:
        raise Refused(Reason.FILE_NO_ADDRESSES)
    return max(looks, key=lambda column: looks[column])
