"""Finds the columns with addresses and names, by the headers and first rows of a table."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from invites.lists.column_headers import (
    email_weight,
    is_family_name,
    is_given_name,
    is_login,
    name_rank,
    people_in,
)
from invites.lists.header_row import LIKE_ADDRESS, Row, before_people, find_header

# The index of a virtual column with first and last names.
BOTH_NAMES = 30_000  # beyond every real index

# How much of a table is examined.
_ROWS = 300  # not counting empty ones
_CELLS = 200_000
_HEADER_ROWS = 10  # rows that may be the header

_MAX_COLUMNS = 100
_MAX_EXAMPLES = 3
_MAX_EXAMPLE = 40  # characters
_MAX_HEADER = 100  # characters

_LOGIN_WEIGHT = 8  # of a column with logins, if at least half of them are addresses

_ADDRESS_WITHOUT_AT = re.compile(r"[^\W_]\.[a-z]{2,}$|^(?=\D*\d)\S+$")


@dataclass(frozen=True, slots=True)
class Column:
    """``examples``: the first filled cells. ``addresses``: how many cells have an @."""

    index: int
    header: str
    examples: tuple[str, ...]
    addresses: int


@dataclass(frozen=True, slots=True)
class Choice:
    email: int
    name: int | None


class _Sample:
    """The first filled cells of a column."""

    def __init__(self, cells: Sequence[str] = ()) -> None:
        with_at = [cell for cell in cells if "@" in cell]
        self.filled = len(cells)
        self.examples = tuple(cell[:_MAX_EXAMPLE] for cell in cells[:_MAX_EXAMPLES])
        self.with_at = len(with_at)
        self.like_addresses = sum(bool(LIKE_ADDRESS.search(cell)) for cell in with_at)


class ColumnScan:
    """``header_row``: the number of the header row, if there is one."""

    def __init__(self, filled_rows: Iterable[Row]) -> None:
        self.header_row: int | None = None
        self._headers: list[str] = []
        rows = list(islice(filled_rows, _HEADER_ROWS + _ROWS))
        first_rows = rows[:_HEADER_ROWS] or [(0, list[str]())]
        may_be_headers = before_people(first_rows, rows)
        known_header = find_header(may_be_headers)
        header = known_header or (may_be_headers or first_rows)[0]
        below = [cells for number, cells in rows if number > header[0]]
        self._samples = _samples(below)
        if known_header or (may_be_headers and self._may_be_header(header[1])):
            self.header_row, self._headers = header
        else:
            self._samples = _samples([header[1], *below])
        self._first_rows = [cells for number, cells in first_rows if number > self.last_header_row]

    @property
    def last_header_row(self) -> int:
        """-1 without a header. Rows above a header aren't people."""
        return -1 if self.header_row is None else self.header_row

    def columns(self) -> list[Column]:
        """Columns with a header or a filled cell, from left to right, at most 100.

        If there are more, leaves out columns without addresses first. If there are columns for
        first and last names, BOTH_NAMES is added.
        """
        titled = [index for index in range(len(self._headers)) if self._header(index)]
        wanted = sorted(
            {*self._samples, *titled}, key=lambda index: (not self._sample(index).with_at, index)
        )
        columns = [self._column(index) for index in sorted(wanted[:_MAX_COLUMNS])]
        return columns + ([self._both_names_column()] if self._both_names() else [])

    def email_column(self) -> int | None:
        """The column with the most addresses, weighted by its header. None if no cell has an @."""
        weights = {
            index: (
                sample.like_addresses * self._email_weight(index),
                sample.with_at,
                -index,
            )
            for index, sample in self._samples.items()
            if sample.with_at
        }
        return max(weights, key=lambda index: weights[index]) if weights else None

    def name_column(self, email: int) -> int | None:
        """May be BOTH_NAMES; None if no header fits. Prefers names of the addresses' owners."""
        people = people_in(self._header(email))
        ranks = [
            (people_in(header) != people, rank, index)
            for index, header in enumerate(self._headers)
            if index != email and (rank := name_rank(header)) is not None
        ]
        best = min(ranks)[2] if ranks else None
        both = self._both_names()
        return BOTH_NAMES if both and best == both[0] and email not in both else best

    def name_reader(self, column: int | None) -> Callable[[list[str]], str]:
        """Returns a function that reads the name from a row. ``column`` may be BOTH_NAMES."""
        both = self._both_names() if column == BOTH_NAMES else None
        if both:
            return lambda cells: _full_name(cells, *both)
        if column is None:
            return lambda _cells: ""
        return lambda cells: cells[column] if len(cells) > column else ""

    def _column(self, index: int) -> Column:
        sample = self._sample(index)
        return Column(index, self._header(index), sample.examples, sample.with_at)

    def _both_names(self) -> tuple[int, int] | None:
        """Columns of the first and last names, preferably of the addresses' owners."""
        email = self.email_column()
        people = people_in(self._header(email)) if email is not None else frozenset()
        given = self._first_header(is_given_name, people)
        if given is None:
            return None
        family = self._first_header(is_family_name, people_in(self._headers[given]))
        return None if family is None else (given, family)

    def _first_header(self, fits: Callable[[str], bool], people: frozenset[str]) -> int | None:
        """Prefers a header with the same ``people``."""
        found = [index for index, header in enumerate(self._headers) if fits(header)]
        return min(found, key=lambda index: people_in(self._headers[index]) != people, default=None)

    def _both_names_column(self) -> Column:
        names = self._both_names()
        assert names is not None
        header = " + ".join(map(self._header, names))
        examples = (_full_name(cells, *names)[:_MAX_EXAMPLE] for cells in self._first_rows)
        return Column(BOTH_NAMES, header, tuple(islice(filter(None, examples), _MAX_EXAMPLES)), 0)

    def _header(self, index: int) -> str:
        if index >= len(self._headers):
            return ""
        return " ".join(self._headers[index].split())[:_MAX_HEADER]

    def _email_weight(self, index: int) -> float:
        header, sample = self._header(index), self._sample(index)
        are_addresses = 2 * sample.like_addresses >= sample.filled
        return _LOGIN_WEIGHT if is_login(header) and are_addresses else email_weight(header)

    def _sample(self, index: int) -> _Sample:
        return self._samples.get(index, _Sample())

    def _may_be_header(self, first: list[str]) -> bool:
        """Whether the row can be a header, rather than a person with a malformed address."""
        if any("@" in cell for cell in first):
            return False
        email = self.email_column()
        above = first[email].strip() if email is not None and email < len(first) else ""
        return email is None or bool(above and not _ADDRESS_WITHOUT_AT.search(above))


def _samples(rows: list[list[str]]) -> dict[int, _Sample]:
    """By column index. Columns without a filled cell have none."""
    filled: dict[int, list[str]] = defaultdict(list)
    cells_left = _CELLS
    for cells in rows:
        for index, cell in enumerate(cells):
            if cell and (cell := cell.strip()):
                filled[index].append(cell)
        cells_left -= len(cells)
        if cells_left <= 0:
            break
    return {index: _Sample(cells) for index, cells in filled.items()}


def _full_name(cells: list[str], given: int, family: int) -> str:
    parts = (cells[index].strip() for index in (given, family) if index < len(cells))
    return " ".join(filter(None, parts))
