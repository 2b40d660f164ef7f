"""A list of people as a table: its columns, which of them matter, and the entries in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from invites.columns import LOOKED_AT, Choice, Column, Look
from invites.csv_rows import rows
from invites.names import name_in
from invites.recipients import MAX_ENTRIES, Entry, tidy
from invites.refusals import Reason, Refused

__all__ = ["CARDS", "MAX_BYTES", "MAX_MEGABYTES", "Choice", "Column", "Table"]

MAX_MEGABYTES = 20
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024

# The delimiter of tables made of cards. Their header is ours, so row 1 is the first card.
CARDS = "\x1f"

_KEPT_CELL = 1000  # characters; an address has 254, and a person wants to see what is wrong


@dataclass(frozen=True, slots=True)
class Table:
    """A list as CSV text with its delimiter, whatever the file was.

    Made by files.read, which has seen to it that ``text`` is whole; the same two
    values make the same table again.
    """

    text: str
    delimiter: str

    def columns(self) -> list[Column]:
        """The columns with something in them, at most 100."""
        return self._look().columns()

    def choice(self) -> Choice:
        """The columns that look like the addresses and the names.

        Raises Refused(FILE_NO_ADDRESSES) when no cell has an @.
        """
        choice = self._look().choice() or Look(self._filled()).choice()
        if choice is None:
            raise Refused(Reason.FILE_NO_ADDRESSES)
        return choice

    def entries(self, choice: Choice) -> list[Entry]:
        """One for each row with something in it, but the header, with its number (1 is the first).

        A row whose e-mail cell is empty gives an entry with the text "", so that
        totals add up. Raises Refused(LIST_TOO_LONG) past 50,000 rows.
        """
        header = self._look().header
        entries: list[Entry] = []
        for number, cells in self._numbered():
            text = cells[choice.email].strip() if len(cells) > choice.email else ""
            if not text and not _filled(cells):
                continue
            if number == header:
                continue
            name = ""
            if choice.name is not None and len(cells) > choice.name:
                name = name_in(cells[choice.name])
            if len(entries) == MAX_ENTRIES:
                raise Refused(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
            entries.append(_entry(text, number, name))
        return entries

    def _look(self) -> Look:
        return Look(islice(self._filled(), LOOKED_AT))

    def _filled(self) -> Iterator[tuple[int, list[str]]]:
        return ((number, cells) for number, cells in self._numbered() if _filled(cells))

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        return enumerate(rows(self.text, self.delimiter), start=0 if self.delimiter == CARDS else 1)


def _filled(cells: list[str]) -> bool:
    return any(cells) and any(cell.strip() for cell in cells)


def _entry(text: str, number: int, name: str) -> Entry:
    found = tidy(text[:_KEPT_CELL])
    return Entry(found.text, number, name or name_in(found.name))
