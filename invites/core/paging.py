"""Splits long lists into pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

PAGE_SIZE = 50

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Pages and rows are counted from 1."""

    rows: list[T]
    number: int
    total: int
    size: int = PAGE_SIZE

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    @property
    def first(self) -> int:
        """The number of the first row; 0 on an empty page."""
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return (self.number - 1) * self.size + len(self.rows)

    @property
    def has_next(self) -> bool:
        return self.last < self.total


def paged(query: Any, number: int, *, size: int = PAGE_SIZE, total: int | None = None) -> Page[Any]:
    """The last page if ``number`` is too high. Counts the rows unless ``total`` is given."""
    if total is None:
        total = query.count()
    number = min(max(number, 1), max((total - 1) // size + 1, 1))
    return Page(list(query.paginate(number, size)), number, total, size)
