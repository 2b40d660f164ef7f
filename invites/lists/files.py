"""Files with lists of people: from the bytes that were dropped to a table."""

import csv
import io
import re
from dataclasses import replace

from invites.core.errors import Reason, RuleError
from invites.lists import vcards, workbooks
from invites.lists.csv_rows import MAX_LINES, check, rows
from invites.lists.dialect import delimiter_of, without_quotes_around_rows, without_separator_line
from invites.lists.encodings import decode
from invites.lists.table import MAX_BYTES, MAX_MEGABYTES, Table

# Not <ada@example.org>. Many programs export a web page that they call .xls.
_MARKUP = re.compile(r"\s*<(?:[!?]|(?:html|head|meta|style|table|div)[\s>])", re.IGNORECASE)
_LONGEST_LINE = 4 * 1024 * 1024  # characters; 50,000 addresses and their names


def read(content: bytes) -> Table:
    """The table in a file, told by its content and never by its name.

    CSV in UTF-8, UTF-16 or Windows-1252; workbooks (.xlsx, .xls, .ods); contacts
    (.vcf). Raises RuleError(FILE_*), or LIST_TOO_LONG when already the lines are too many.
    """
    if len(content) > MAX_BYTES:
        raise RuleError(Reason.FILE_TOO_LARGE, limit=MAX_MEGABYTES)
    if workbooks.is_container(content):
        rows_of_sheet, sheets = workbooks.csv_of(content)
        return replace(_with_addresses(decode(rows_of_sheet), ","), sheets=tuple(sheets))
    text = decode(content)
    if vcards.are_contacts(text):
        table = vcards.table_of(text)
        return _with_addresses(table.text, table.delimiter)
    if _MARKUP.match(text):
        raise RuleError(Reason.FILE_MARKUP)
    if not text or text.isspace():
        raise RuleError(Reason.FILE_EMPTY)
    if text.startswith('"') and len(text) <= _LONGEST_LINE:
        text = without_quotes_around_rows(text)
    text, delimiter = without_separator_line(text)
    return _with_addresses(text, delimiter)


def _with_addresses(text: str, delimiter: str) -> Table:
    if "@" not in text:
        raise RuleError(Reason.FILE_NO_ADDRESSES)
    if text.count("\n") > MAX_LINES:
        text = text.rstrip()  # a copy, so not for all
    delimiter = delimiter or delimiter_of(text)
    table = Table(_one_below_the_other(text, delimiter), delimiter)
    check(table.text, table.delimiter)
    return table


def _one_below_the_other(text: str, delimiter: str) -> str:
    """The text of a table; of lines with nothing but addresses, each of these in its own row.

    That is one line, or lines that hold now more and now fewer, which no program writes.
    """
    if len(text) > _LONGEST_LINE or text.count('"') % 2:
        return text
    addresses: list[list[str]] = []
    widths = []
    try:
        for row in filter(None, rows(text.strip(), delimiter)):
            filled = [[cell] for cell in row if cell.strip()]
            if not all("@" in cell for [cell] in filled):
                return text
            addresses += filled
            widths.append(len(row))
    except csv.Error:
        return text
    if len(addresses) <= len(widths) or (len(widths) > 1 and min(widths) == max(widths)):
        return text
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(addresses)
    return out.getvalue()
