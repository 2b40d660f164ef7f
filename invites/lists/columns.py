"""Finds out which columns of a table hold addresses and names, by what stands in and above them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice, takewhile

from invites.lists.column_headers import email_weight, is_family_name, is_given_name, name_rank

# The index of a column that isn't in the table: first and last name together.
BOTH_NAMES = 30_000  # tables are narrower

_LOOKED_AT = 300  # filled rows that tell what a column holds
_CELLS_LOOKED_AT = 200_000
_ABOVE = 10  # rows that may have the titles
_SHOWN_COLUMNS = 100
_SHOWN_CELLS = 3
_SHOWN = 40  # characters of a cell
_TITLE = 100  # characters of a header

_ADDRESS = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
_HALF_AN_ADDRESS = re.compile(r"[^\W_]\.[a-z]{2,}$|^(?=\D*\d)\S+$")  # an @ was forgotten


Row = tuple[int, list[str]]  # its number and its cells


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header cell or "", its first cells, and how many cells have an @."""

    index: int
    title: str
    examples: tuple[str, ...]
    addresses: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The indexes of the columns that are read."""

    email: int
    name: int | None


@dataclass(slots=True)
class _Seen:
    """What the rows that were looked at have in one column."""

    examples: list[str] = field(default_factory=list)
    with_at: int = 0
    like_addresses: int = 0

    def add(self, cell: str, in_front: bool) -> None:
        if in_front:
            self.examples = [cell[:_SHOWN], *self.examples[: _SHOWN_CELLS - 1]]
        elif len(self.examples) < _SHOWN_CELLS:
            self.examples.append(cell[:_SHOWN])
        if "@" in cell:
            self.with_at += 1
            self.like_addresses += bool(_ADDRESS.search(cell))


class Look:
    """What the first rows of a table say about its columns."""

    def __init__(self, numbered: Iterable[Row]) -> None:
        """``numbered``: the rows that have something in them, with their numbers."""
        self.header: int | None = None  # the number of its row
        self._titles: list[str] = []
        self._seen: dict[int, _Seen] = {}
        self._first: list[list[str]] = []
        self._cells_left = _CELLS_LOOKED_AT
        rows = iter(numbered)
        first = list(islice(rows, _ABOVE)) or [(0, list[str]())]
        titled = _titled(first)
        header = titled or first[0]
        for row in chain(first, islice(rows, _LOOKED_AT)):
            if row is not header and self._cells_left > 0:
                self._add(row[1])
        if titled or self._may_be_titles(header[1]):
            self.header, self._titles = header
        else:
            self._add(header[1], in_front=True)
        self._first = [cells for number, cells in first if number != self.header]

    def columns(self) -> list[Column]:
        """The columns with something in them; of more than 100, those with addresses first.

        Where there are first and last names, both together are one more.
        """
        filled = [index for index, seen in self._seen.items() if seen.examples]
        filled += [index for index in range(len(self._titles)) if self._title(index)]
        wanted = sorted(set(filled), key=lambda index: (not self._at(index), index))
        columns = [self._column(index) for index in sorted(wanted[:_SHOWN_COLUMNS])]
        return columns + ([self._both_names()] if self.names() else [])

    def email(self) -> int | None:
        """The column with the most addresses, where a title that says so counts for more.

        None when no cell has an @.
        """
        points = {
            index: (seen.like_addresses * email_weight(self._title(index)), seen.with_at, -index)
            for index, seen in self._seen.items()
            if seen.with_at
        }
        return max(points, key=lambda index: points[index]) if points else None

    def name(self, email: int) -> int | None:
        """The column with a title that fits names best, if any has one, or BOTH_NAMES."""
        ranks = [
            (rank, index)
            for index, title in enumerate(self._titles)
            if index != email and (rank := name_rank(title)) is not None
        ]
        best = min(ranks)[1] if ranks else None
        names = self.names()
        return BOTH_NAMES if names and best == names[0] and email not in names else best

    def names(self) -> tuple[int, int] | None:
        """The columns with first and last names, if there are both."""
        indexes = range(len(self._titles))
        given = next((index for index in indexes if is_given_name(self._titles[index])), None)
        family = next((index for index in indexes if is_family_name(self._titles[index])), None)
        return None if given is None or family is None else (given, family)

    def _add(self, cells: list[str], in_front: bool = False) -> None:
        self._cells_left -= len(cells)
        for index, cell in enumerate(cells):
            if cell and (cell := cell.strip()):
                seen = self._seen.get(index) or self._seen.setdefault(index, _Seen())
                seen.add(cell, in_front)

    def _column(self, index: int) -> Column:
        seen = self._seen.get(index, _Seen())
        return Column(index, self._title(index), tuple(seen.examples), seen.with_at)

    def _both_names(self) -> Column:
        names = self.names()
        assert names is not None
        title = " + ".join(map(self._title, names))
        examples = (both_names(cells, *names)[:_SHOWN] for cells in self._first)
        return Column(BOTH_NAMES, title, tuple(islice(filter(None, examples), _SHOWN_CELLS)), 0)

    def _title(self, index: int) -> str:
        return " ".join(self._titles[index].split())[:_TITLE] if index < len(self._titles) else ""

    def _at(self, index: int) -> int:
        return self._seen[index].with_at if index in self._seen else 0

    def _may_be_titles(self, first: list[str]) -> bool:
        """Whether the first row names the columns: it may be a person with a broken address."""
        if any("@" in cell for cell in first):
            return False
        email = self.email()
        above = first[email].strip() if email is not None and email < len(first) else ""
        return email is None or bool(above and not _HALF_AN_ADDRESS.search(above))


def both_names(cells: list[str], given: int, family: int) -> str:
    """First and last name of a row, or what there is of them."""
    parts = (cells[index].strip() for index in (given, family) if index < len(cells))
    return " ".join(filter(None, parts))


def _titled(first: list[Row]) -> Row | None:
    """The row with titles that people use: the first one, or below what the list is called.

    Two rows of titles are one above the other when cells were merged; the lower one tells more.
    """
    found = None
    for row in takewhile(lambda row: not any(map(_ADDRESS.search, row[1])), first):
        weight = max(map(email_weight, row[1]), default=1)
        if weight > (5 if found else 2):
            return row
        named = any(name_rank(cell) is not None for cell in row[1])
        if row is first[0] and (weight > 1 or named):
            found = row
    return found
