"""Makes a table from exported contacts: one row per person, with name and addresses."""

import csv
from collections.abc import Iterable, Iterator

from invites.core.errors import Reason, RuleError
from invites.lists.entries import MAX_ENTRIES
from invites.lists.table import CONTACT_DELIMITER, Table

_MAX_LINE = 10_000  # characters; photos are longer, but aren't needed
_MAX_START = 300  # characters


def contacts_table(people: Iterable[list[str]]) -> Table:
    """``people``: for each, the name and then the addresses. Raises RuleError(LIST_TOO_LONG)."""
    lines: list[str] = []
    writer = csv.writer(_ListWriter(lines), delimiter=CONTACT_DELIMITER, lineterminator="\n")
    widest = 2
    for count, row in enumerate(people, start=1):
        if count > MAX_ENTRIES:
            raise RuleError(Reason.LIST_TOO_LONG, limit=MAX_ENTRIES)
        widest = max(widest, len(row))
        writer.writerow(row)
    header = ["Name", "Email", *(f"Email {n}" for n in range(2, widest))]
    return Table(CONTACT_DELIMITER.join(header) + "\n" + "".join(lines), CONTACT_DELIMITER)


class _ListWriter:
    """A file for csv.writer, because io.StringIO would take four bytes per character."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def one_line(text: str) -> str:
    return " ".join(text.replace(CONTACT_DELIMITER, " ").split())


def unfolded_lines(text: str) -> Iterator[str]:
    """Joins lines with their continuations.

    Those begin with a space or a tab or, in quoted-printable, follow a line that ends with ``=``.
    """
    whole, is_quoted = "", False
    for line in _lines(text):
        if line[:1] in (" ", "\t"):
            if len(whole) < _MAX_LINE:
                whole += line[1:]
        elif whole.endswith("=") and (is_quoted or _is_quoted(whole[:_MAX_START])):
            is_quoted = True
            whole = whole[:-1] + line if len(whole) < _MAX_LINE else whole
        else:
            yield whole
            whole, is_quoted = line, False
    yield whole


def _is_quoted(start: str) -> bool:
    return "QUOTED-PRINTABLE" in start.partition(":")[0].upper()


def _lines(text: str) -> Iterator[str]:
    """One line at a time: all at once would take hundreds of megabytes. Cuts off long lines."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start : min(end, start + _MAX_LINE)]
        start = end + 1
