"""What separates the cells of a CSV file."""

import csv
import re
from itertools import islice

_DELIMITERS = ",;\t|"
_LOOKED_AT = 64 * 1024  # characters
_ROWS = 20
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ \t,;]*(?:\n|\Z)', re.IGNORECASE)
_WHOLE_ROW = re.compile(r'"((?:[^"]|"")*)"[ \t,;]*')
_PART = r"[^\s@<>,;|\".]+"
_BARE = rf"[^\s@<>,;|\"]+@{_PART}(?:\.{_PART})+"  # one way to match: never slow
_BARE_ADDRESS = re.compile(_BARE)
_ADDRESS = re.compile(rf"(?:[^@<>]*<)?{_BARE}\.?>?")


def without_separator_line(text: str) -> tuple[str, str]:
    """The text without Excel's first line ``sep=;``, and what that said, or ""."""
    found = _SEPARATOR_LINE.match(text)
    return (text[found.end() :], found[1]) if found else (text, "")


def without_quotes_around_rows(text: str) -> str:
    """The text of a list that was CSV, was taken for a single column, and was saved as CSV again.

    Any other text stays as it is.
    """
    first = [line for line in text[:_LOOKED_AT].split("\n") if line.strip()][:_ROWS]
    if not first or not all(map(_WHOLE_ROW.fullmatch, first)):
        return text
    bare = list(map(_without_quotes, first))
    rows = list(csv.reader(bare, delimiter=delimiter_of("\n".join(bare)), skipinitialspace=True))
    has_columns = len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
    if not has_columns or not all(map(_has_address_and_more, rows[1:])):
        return text
    return "\n".join(map(_without_quotes, text.split("\n")))


def _has_address_and_more(row: list[str]) -> bool:
    found = [bool(_BARE_ADDRESS.fullmatch(cell.strip())) for cell in row]
    return any(found) and not all(found)


def _without_quotes(line: str) -> str:
    found = _WHOLE_ROW.fullmatch(line)
    return found[1].replace('""', '"') if found else line


def delimiter_of(text: str) -> str:
    """What cuts the first rows into the most addresses, bare or behind a name, and most evenly.

    A comma when nothing cuts them.
    """
    lines = [line for line in text[:_LOOKED_AT].split("\n") if line.strip()]
    return max(_DELIMITERS, key=lambda mark: _fitness(lines, mark))


def _fitness(lines: list[str], mark: str) -> tuple[int, int, int, int]:
    with_address, addresses = 0, 0
    counts = []
    for cells in islice(csv.reader(lines, delimiter=mark, skipinitialspace=True), _ROWS):
        found = sum(1 for cell in cells if _ADDRESS.fullmatch(cell.strip()))
        with_address += found > 0
        addresses += found
        counts.append(len(cells))
    return with_address, addresses, min(counts, default=0), sum(counts)
