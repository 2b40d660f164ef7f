"""Finds the header row among the first rows of a table."""

import re
from itertools import islice, takewhile

from invites.lists.column_headers import email_weight, is_login, is_title, name_rank

Row = tuple[int, list[str]]  # its number and its cells

LIKE_ADDRESS = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
_MAX_HEADER_WORDS = 8  # a longer text is a sentence
_MAX_TITLES = 500  # cells examined in a row


def before_people(first_rows: list[Row], rows: list[Row]) -> list[Row]:
    """Rows before the first address, which may be the header.

    If the table has several columns, only those with several cells.
    """
    has_one_column = _has_one_column(rows)
    before = takewhile(lambda row: not _has_person(row[1], has_one_column), first_rows)
    return [row for row in before if has_one_column or _is_wide(row)]


def _has_person(cells: list[str], has_one_column: bool) -> bool:
    """Whether a cell has an address, except in a line of text such as ``Exported by ada@…``."""
    filled = [cell.strip() for cell in filter(None, cells) if cell.strip()]
    is_line = len(filled) == 1 and not has_one_column and " " in filled[0]
    return not is_line and any(map(LIKE_ADDRESS.search, filled))


def _has_one_column(rows: list[Row]) -> bool:
    people = [row for row in rows if "@" in "".join(row[1])] or rows
    return 2 * sum(map(_is_wide, people)) <= len(people)


def _is_wide(row: Row) -> bool:
    return len(list(islice(filter(str.strip, filter(None, row[1])), 2))) > 1


def find_header(rows: list[Row]) -> Row | None:
    """The header row, which may follow a title.

    If there are two header rows (merged cells), returns the lower one, which says more.
    """
    found = None
    for row in rows:
        titles = [
            cell
            for cell in row[1][:_MAX_TITLES]
            if len(cell.split(None, _MAX_HEADER_WORDS)) <= _MAX_HEADER_WORDS
        ]
        weight = max(map(email_weight, titles), default=1)
        if weight > 5 or (weight > 2 and not found) or _is_login_header(titles):
            return row
        has_name = any(name_rank(cell) is not None for cell in titles)
        if row is rows[0] and (weight > 1 or has_name):
            found = row
    return found


def _is_login_header(titles: list[str]) -> bool:
    return any(map(is_login, titles)) and sum(map(is_title, titles)) > 1
