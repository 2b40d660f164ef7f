"""The rows of CSV text: reading them a piece at a time, and finding what can't be read."""

import csv
import io
from collections.abc import Iterator
from itertools import chain

from invites.core.errors import Reason, RuleError
from invites.lists.recipients import MAX_ENTRIES

MAX_CELLS = 16_384  # in a row; what a spreadsheet can have
MAX_CELL = 100_000  # characters; more is an unclosed quote or an attack
MAX_LINES = 1_048_576  # what a spreadsheet can have, empty ones too
_MAX_LINE = 1_000_000  # characters, which the reader wants at once, at four bytes each

_PIECE = 64 * 1024  # characters given to the reader at once: a copy of 20 MB would take 80
_PIECES_OF_A_ROW = 8  # more pieces without the end of a row, and it has too many cells
_WINDOW = MAX_CELLS // 2  # each line of more than MAX_CELLS characters has a whole one in it
_END = "\0"  # in no text that came so far


def rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """The cells of each row, empty rows too; nothing is kept. For text that check() let pass."""
    csv.field_size_limit(MAX_CELL)
    lines = chain.from_iterable(map(_lines, _pieces(text)))
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def check(text: str, delimiter: str) -> None:
    """Raise RuleError when the rows can't be read, or would take too much memory.

    FILE_TOO_WIDE, FILE_LONG_CELL, FILE_BROKEN_QUOTES, or LIST_TOO_LONG for
    millions of lines.
    """
    check_lines(text)
    for start, end in _long_lines(text):
        _check_line(text, start, end, delimiter)
    if '"' in text:
        _Quotes(text, delimiter).check()


def check_lines(text: str) -> None:
    """Raise RuleError(LIST_TOO_LONG) for more lines than any spreadsheet has."""
    if text.count("\n") > MAX_LINES:
        raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)


def _lines(piece: str) -> Iterator[str]:
    return io.StringIO(piece, newline="")


def _pieces(text: str) -> Iterator[str]:
    """The text, cut at line ends."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _PIECE) + 1 or len(text)
        yield text[start:end]
        start = end


def _long_lines(text: str) -> Iterator[tuple[int, int]]:
    """Where lines of more than MAX_CELLS characters, and perhaps shorter ones, begin and end."""
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
        return  # no cell of it is longer, and cutting thousands of such lines takes seconds
    cells = text[start:end].split(delimiter)
    too_long = end - start > _MAX_LINE or ('"' not in text and max(map(len, cells)) > MAX_CELL)
    if too_long:
        row = text.count("\n", 0, start) + 1
        raise RuleError(Reason.FILE_LONG_CELL, row=row, limit=MAX_CELL)


class _Quotes:
    """Reads text with quotes once, with an eye on rows that don't end."""

    def __init__(self, text: str, delimiter: str) -> None:
        self._text = text
        self._row = 0
        lines = chain(chain.from_iterable(self._watched()), [_END])
        csv.field_size_limit(MAX_CELL)
        self._reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)

    def check(self) -> None:
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

    def _watched(self) -> Iterator[Iterator[str]]:
        row, pieces = 0, 0
        for piece in _pieces(self._text):
            pieces = pieces + 1 if row == self._row else 0
            if pieces > _PIECES_OF_A_ROW:
                raise RuleError(Reason.FILE_TOO_WIDE, limit=MAX_CELLS)
            row = self._row
            yield _lines(piece)
