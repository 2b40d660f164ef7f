"""What separates the cells of a CSV file."""

import csv
import re
from itertools import islice

_DELIMITERS = ",;\t|"
_LOOKED_AT = 64 * 1024  # characters
_ROWS = 20
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ \t,;]*(?:\n|\Z)', re.IGNORECASE)
_PART = r"[^\s@<>,;|\".]+"
_ADDRESS = re.compile(rf"(?:[^@<>]*<)?[^\s@<>,;|\"]+@{_PART}(?:\.{_PART})+\.?>?")  # never slow


def without_separator_line(text: str) -> tuple[str, str]:
    """The text without Excel's first line ``sep=;``, and what that said, or ""."""
    found = _SEPARATOR_LINE.match(text)
    return (text[found.end() :], found[1]) if found else (text, "")


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
