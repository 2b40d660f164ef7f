"""Checks and reads CSV text, using little memory."""

import csv
import io
from collections.abc import Iterator
from itertools import chain

from invites.core.errors import Reason, RuleError
from invites.lists.entries import MAX_ENTRIES

# The limits of spreadsheet programs.
MAX_CELLS = 16_384  # in a row
MAX_LINES = 1_048_576  # filled or empty

MAX_CELL = 100_000  # characters; a longer cell means an unclosed quote, or an attack
_MAX_LINE = 1_000_000  # characters; csv.reader keeps a line in memory, at four bytes each

_CHUNK = 64 * 1024  # characters read at once, because a copy of the text could take 80 MB
_CHUNKS_PER_ROW = 8  # a longer row is refused as too wide
# Characters searched for a line end at once. A line of MAX_CELLS characters or more covers at least
# one whole window.
_WINDOW = MAX_CELLS // 2
_END = "\0"  # never occurs in decoded text


def rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Includes empty rows. The text must have passed ``check``."""
    csv.field_size_limit(MAX_CELL)
    lines = chain.from_iterable(map(_lines, _chunks(text)))
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def check(text: str, delimiter: str) -> None:
    """Raises RuleError: FILE_TOO_WIDE, FILE_LONG_CELL, FILE_BROKEN_QUOTES or LIST_TOO_LONG."""
    check_lines(text)
    for start, end in _long_lines(text):
        _check_line(text, start, end, delimiter)
    if '"' in text:
        _QuoteCheck(text, delimiter).run()


def check_lines(text: str) -> None:
    """Raises RuleError(LIST_TOO_LONG)."""
    if text.count("\n") > MAX_LINES:
        raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)


def _lines(chunk: str) -> Iterator[str]:
    return io.StringIO(chunk, newline="")


def _chunks(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start + _CHUNK) + 1 or len(text)
        yield text[start:end]
        start = end


def _long_lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each line that covers a whole window. Others can't have too many cells."""
    start = 0
    while start + _WINDOW <= len(text):
        if text.find("\n", start, start + _WINDOW) >= 0:
            start += _WINDOW
            continue
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text.rfind("\n", 0, start) + 1, end
        start = end - end % _WINDOW + _WINDOW


def _check_line(text: str, start: int, end: int, delimiter: str) -> None:
    if text.count(delimiter, start, end) >= MAX_CELLS:
        raise RuleError(Reason.FILE_TOO_WIDE, limit=MAX_CELLS)
    if end - start <= MAX_CELL:
        return  # no cell is too long; splitting thousands of such lines would take seconds
    cells = text[start:end].split(delimiter)
    too_long = end - start > _MAX_LINE or ('"' not in text and max(map(len, cells)) > MAX_CELL)
    if too_long:
        row = text.count("\n", 0, start) + 1
        raise RuleError(Reason.FILE_LONG_CELL, row=row, limit=MAX_CELL)


class _QuoteCheck:
    """Finds unclosed quotes, which the csv module reads as a long cell without an error."""

    def __init__(self, text: str, delimiter: str) -> None:
        self._text = text
        self._row = 0
        lines = chain(chain.from_iterable(self._checked_chunks()), [_END])
        csv.field_size_limit(MAX_CELL)
        self._reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)

    def run(self) -> None:
        lines_before = 0
        last: list[str] = []
        try:
            for cells in self._reader:
                self._row += 1
                lines_before = self._reader.line_num
                last = cells
        except csv.Error:
            if self._reader.line_num - lines_before > 1:
                raise RuleError(Reason.FILE_BROKEN_QUOTES, row=self._row + 1) from None
            raise RuleError(Reason.FILE_LONG_CELL, row=self._row + 1, limit=MAX_CELL) from None
        if last != [_END]:
            raise RuleError(Reason.FILE_BROKEN_QUOTES, row=self._row)

    def _checked_chunks(self) -> Iterator[Iterator[str]]:
        row, chunks = 0, 0
        for chunk in _chunks(self._text):
            chunks = chunks + 1 if row == self._row else 0
            if chunks > _CHUNKS_PER_ROW:
                raise RuleError(Reason.FILE_TOO_WIDE, limit=MAX_CELLS)
            row = self._row
            yield _lines(chunk)
