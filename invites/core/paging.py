"""Long lists, a page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

PAGE_SIZE = 50

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list: its rows, and where it stands in the whole."""

    rows: list[T]
    number: int
    total: int
    size: int = PAGE_SIZE

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    @property
    def first(self) -> int:
        """The place of the first row, counted from 1; 0 on an empty page."""
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The place of the last row."""
        return (self.number - 1) * self.size + len(self.rows)

    @property
    def has_next(self) -> bool:
        """Whether more rows follow."""
        return self.last < self.total


def paged(query: Any, number: int, *, size: int = PAGE_SIZE, total: int | None = None) -> Page[Any]:
    """Page ``number`` of a query, counted from 1; a number beyond the end gives the last page.

    ``total`` saves counting the rows of the whole query, if somebody knows it.
    """
    if total is None:
        total = query.count()
    number = min(max(number, 1), max((total - 1) // size + 1, 1))
    return Page(list(query.paginate(number, size)), number, total, size)
