"""A list of people as a table: its columns, which of them matter, and the entries in it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice, repeat, takewhile

from invites.core.errors import Reason, RuleError
from invites.lists.columns import BOTH_NAMES, Choice, Column, Look, both_names
from invites.lists.csv_rows import rows
from invites.lists.names import name_in
from invites.lists.recipients import CLINGING, MAX_ENTRIES, Entry, tidy

__all__ = ["BOTH_NAMES", "CARDS", "MAX_BYTES", "MAX_MEGABYTES", "Choice", "Column", "Table"]

MAX_MEGABYTES = 20
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024

# The delimiter of tables made of cards. Their header is ours, so row 1 is the first card.
CARDS = "\x1f"

_FIRST_ROWS = 20_000  # filled or empty, among which there is something to look at
_KEPT_CELL = 1000  # characters; an address has 254, and a person wants to see what is wrong


@dataclass(frozen=True, slots=True)
class Table:
    """A list as CSV text with its delimiter, whatever the file was.

    Made by files.read, which has seen to it that ``text`` is whole; the same
    text and delimiter make the same table again. ``sheets`` are the names of a
    workbook's: of the one that was read first, then of the others.
    """

    text: str
    delimiter: str
    sheets: tuple[str, ...] = ()

    def columns(self) -> list[Column]:
        """The columns with something in them, at most 100."""
        return self._look().columns()

    def choice(self) -> Choice:
        """The columns that look like the addresses and the names.

        Raises RuleError(FILE_NO_ADDRESSES) when no cell has an @.
        """
        look = self._look()
        email = look.email()
        if email is None:
            email = Look(self._with_at()).email()
        if email is None:
            raise RuleError(Reason.FILE_NO_ADDRESSES)
        return Choice(email, look.name(email))

    def entries(self, choice: Choice) -> list[Entry]:
        """One for each row with something in it, but the header, with its number (1 is the first).

        A row whose e-mail cell is empty gives an entry with the text "", so that
        totals add up. Raises RuleError(LIST_TOO_LONG) past 50,000 rows.
        """
        look = self._look()
        header, names_in = look.header, look.names() if choice.name == BOTH_NAMES else None
        email, name = choice.email, -1 if choice.name is None else choice.name
        texts: list[str] = []
        numbers: list[int] = []
        names: list[str] = []
        for number, cells in self._numbered():
            width = len(cells)
            text = cells[email].strip() if width > email else ""
            if number == header or not (text or _filled(cells)):
                continue
            if names_in:
                found = both_names(cells, *names_in)
            else:
                found = cells[name] if width > name >= 0 else ""
            if text.strip(CLINGING) != text or ":" in text or len(text) > _KEPT_CELL:
                tidied = tidy(text[:_KEPT_CELL])
                text, found = tidied.text, found or tidied.name
            texts.append(text)
            numbers.append(number)
            names.append(found and name_in(found))
            if len(texts) > MAX_ENTRIES:
                raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
        # Entry(...) one by one takes as long as reading the file did.
        fields = zip(texts, numbers, names, repeat(False))  # the last has no end
        return list(map(tuple.__new__, repeat(Entry), fields))

    def cells(self, numbers: Collection[int]) -> dict[int, list[str]]:
        """What is filled in the rows with those numbers."""
        wanted = set(numbers)
        last = max(wanted, default=-1)
        upto = takewhile(lambda row: row[0] <= last, self._numbered())
        return {
            number: [cell.strip() for cell in cells if cell.strip()]
            for number, cells in upto
            if number in wanted
        }

    def _look(self) -> Look:
        first = islice(self._numbered(), _FIRST_ROWS)
        return Look((number, cells) for number, cells in first if _filled(cells))

    def _with_at(self) -> Iterator[tuple[int, list[str]]]:
        return ((number, cells) for number, cells in self._numbered() if "@" in "".join(cells))

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        return enumerate(rows(self.text, self.delimiter), start=0 if self.delimiter == CARDS else 1)


def _filled(cells: list[str]) -> bool:
    return any(cells) and any(cell.strip() for cell in cells)
