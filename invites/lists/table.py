"""A list of people as a table: its columns, and the entries in its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, repeat

from invites.core.errors import Reason, RuleError
from invites.lists.columns import BOTH_NAMES, Choice, Column, ColumnScan
from invites.lists.csv_rows import rows
from invites.lists.entries import MAX_ENTRIES, Entry, read_cell
from invites.lists.header_row import Row

__all__ = ["BOTH_NAMES", "CONTACT_DELIMITER", "MAX_BYTES", "MAX_MEGABYTES", "Choice", "Table"]

MAX_MEGABYTES = 20
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024

# Separates the cells of tables made from contacts. Their header is generated, so row 1 is a person.
CONTACT_DELIMITER = "\x1f"

_SCANNED_ROWS = 20_000  # filled or empty
_MAX_OTHER_CELLS = 150  # characters shown of a row without an address


@dataclass(frozen=True, slots=True)
class Table:
    """A list as CSV text, whatever the file's format was.

    ``files.read`` makes it and checks the text. Text and delimiter are enough to make it again.
    ``sheets``: a workbook's sheet names, starting with the one that was read. ``encoding``: that of
    a text file; "" for workbooks and contacts.
    """

    text: str
    delimiter: str
    sheets: tuple[str, ...] = ()
    encoding: str = ""

    def columns(self) -> list[Column]:
        """See ``ColumnScan.columns``."""
        return self._scan().columns()

    def choice(self) -> Choice:
        """The columns that are probably meant. Raises RuleError(FILE_NO_ADDRESSES)."""
        scan = self._scan()
        email = scan.email_column()
        if email is None:
            email = ColumnScan(self._rows_with_at()).email_column()
        if email is None:
            raise RuleError(Reason.FILE_NO_ADDRESSES)
        return Choice(email, scan.name_column(email))

    def entries(self, choice: Choice) -> list[Entry]:
        """An entry for each filled row below the header.

        Its text is "" if the address cell is empty. Raises RuleError(LIST_TOO_LONG) above 50,000
        rows.
        """
        scan = self._scan()
        header_row, email = scan.last_header_row, choice.email
        name_of = scan.name_reader(choice.name)
        texts: list[str] = []
        numbers: list[int] = []
        names: list[str] = []
        others: list[str] = []
        for number, cells in self._rows():
            cell = cells[email].strip() if len(cells) > email else ""
            if number <= header_row or not (cell or _is_filled(cells)):
                continue
            text, name = read_cell(cell, name_of(cells))
            texts.append(text)
            numbers.append(number)
            names.append(name)
            others.append("" if text else _joined(cells))
            if len(texts) > MAX_ENTRIES:
                raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
        # Entry(...) for each row would take as long as reading the file.
        fields = zip(texts, numbers, names, repeat(False), others)  # repeat() is endless
        return list(map(tuple.__new__, repeat(Entry), fields))

    def _scan(self) -> ColumnScan:
        first = islice(self._rows(), _SCANNED_ROWS)
        return ColumnScan(row for row in first if _is_filled(row[1]))

    def _rows_with_at(self) -> Iterator[Row]:
        return (row for row in self._rows() if "@" in "".join(row[1]))

    def _rows(self) -> Iterator[Row]:
        first = 0 if self.delimiter == CONTACT_DELIMITER else 1
        return enumerate(rows(self.text, self.delimiter), start=first)


def _joined(cells: list[str]) -> str:
    return ", ".join(filter(None, map(str.strip, cells)))[:_MAX_OTHER_CELLS]


def _is_filled(cells: list[str]) -> bool:
    return any(cells) and any(cell.strip() for cell in cells)
