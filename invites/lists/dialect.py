"""The dialect of a CSV file: its delimiter, and quotes around whole rows."""

import csv
import re
from itertools import islice

from invites.lists.column_headers import is_title

DELIMITERS = ",;\t|"
_SAMPLE = 64 * 1024  # characters
_SAMPLE_ROWS = 20
_MAX_TITLES = 200  # cells examined in a row
_MAX_CELL = 1000  # characters; a longer one has no address
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ \t,;]*(?:\n|\Z)', re.IGNORECASE)
_QUOTED_ROW = re.compile(r'"((?:[^"]|"")*)"[ \t,;]*')
# All quantifiers are possessive: with backtracking, a cell with 30 people and a word takes minutes.
_LABEL = r"[^\s@<>,;|\".]++"
_ADDRESS = rf"[^\s@<>,;|\"]++@{_LABEL}(?:\.{_LABEL})++"
_BARE_ADDRESS = re.compile(_ADDRESS)
_ADDRESS_WITH_NAME = rf"(?>[^@<>]*<)?+{_ADDRESS}\.?+>?+"
_ADDRESSES = re.compile(rf"{_ADDRESS_WITH_NAME}(?:\s*+[,;|]\s*+{_ADDRESS_WITH_NAME})*+[\s,;|]*+")


def guess_delimiter(text: str) -> str:
    """Prefers known titles in the header, then rows with addresses, then rows of equal length."""
    lines = _sample_lines(text)
    return max(DELIMITERS, key=lambda delimiter: _fitness(lines, delimiter))


def without_separator_line(text: str) -> tuple[str, str]:
    """Removes a first line ``sep=;`` for Excel. Returns the rest, and the delimiter or ""."""
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


def _fitness(lines: list[str], delimiter: str) -> tuple[int, int, bool, int, int, int]:
    titles, with_address, addresses = 0, 0, 0
    widths = []
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    for cells in islice(rows, _SAMPLE_ROWS):
        if "@" not in "".join(cells):
            titles = max(titles, sum(map(is_title, cells[:_MAX_TITLES])))
        short = (cell.strip() for cell in filter(None, cells) if len(cell) <= _MAX_CELL)
        found = sum(1 for cell in short if _ADDRESSES.fullmatch(cell))
        with_address += found > 0
        addresses += found
        widths.append(len(cells))
    least, most = min(widths, default=0), max(widths, default=0)
    is_even = len(widths) > 1 and least == most > 1
    return titles if titles > 1 else 0, with_address, is_even, addresses, least, sum(widths)


def _has_address_and_more(row: list[str]) -> bool:
    found = [bool(_BARE_ADDRESS.fullmatch(cell.strip())) for cell in row]
    return any(found) and not all(found)


def _without_quotes(line: str) -> str:
    found = _QUOTED_ROW.fullmatch(line)
    return found[1].replace('""', '"') if found else line
