"""The dialect of a CSV file: its delimiter, and quotes around whole rows."""

import csv
import re
from itertools import islice

_DELIMITERS = ",;\t|"
_SAMPLE = 64 * 1024  # characters
_SAMPLE_ROWS = 20
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ \t,;]*(?:\n|\Z)', re.IGNORECASE)
_QUOTED_ROW = re.compile(r'"((?:[^"]|"")*)"[ \t,;]*')
_LABEL = r"[^\s@<>,;|\".]+"
_ADDRESS = rf"[^\s@<>,;|\"]+@{_LABEL}(?:\.{_LABEL})+"  # never backtracks for long
_BARE_ADDRESS = re.compile(_ADDRESS)
_ADDRESS_WITH_NAME = re.compile(rf"(?:[^@<>]*<)?{_ADDRESS}\.?>?")


def guess_delimiter(text: str) -> str:
    """The delimiter that gives the first rows most addresses and equal lengths, or a comma."""
    lines = _sample_lines(text)
    return max(_DELIMITERS, key=lambda delimiter: _fitness(lines, delimiter))


def without_separator_line(text: str) -> tuple[str, str]:
    """Removes Excel's first line ``sep=;``; returns the rest and the delimiter, or ""."""
    found = _SEPARATOR_LINE.match(text)
    return (text[found.end() :], found[1]) if found else (text, "")


def without_quotes_around_rows(text: str) -> str:
    """For CSV that was opened as a single column and saved as CSV again."""
    first = _sample_lines(text)[:_SAMPLE_ROWS]
    if not first or not all(map(_QUOTED_ROW.fullmatch, first)):
        return text
    bare = list(map(_without_quotes, first))
    delimiter = guess_delimiter("\n".join(bare))
    rows = list(csv.reader(bare, delimiter=delimiter, skipinitialspace=True))
    has_columns = len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
    if not has_columns or not all(map(_has_address_and_more, rows[1:])):
        return text
    return "\n".join(map(_without_quotes, text.split("\n")))


def _sample_lines(text: str) -> list[str]:
    return [line for line in text[:_SAMPLE].split("\n") if line.strip()]


def _fitness(lines: list[str], delimiter: str) -> tuple[int, int, int, int]:
    with_address, addresses = 0, 0
    widths = []
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    for cells in islice(rows, _SAMPLE_ROWS):
        found = sum(1 for cell in cells if _ADDRESS_WITH_NAME.fullmatch(cell.strip()))
        with_address += found > 0
        addresses += found
        widths.append(len(cells))
    return with_address, addresses, min(widths, default=0), sum(widths)


def _has_address_and_more(row: list[str]) -> bool:
    found = [bool(_BARE_ADDRESS.fullmatch(cell.strip())) for cell in row]
    return any(found) and not all(found)


def _without_quotes(line: str) -> str:
    found = _QUOTED_ROW.fullmatch(line)
    return found[1].replace('""', '"') if found else line
