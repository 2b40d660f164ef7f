"""Reads an uploaded file of any supported format into a table."""

import csv
import io
import re
from dataclasses import replace
from itertools import chain

from invites.core.errors import Reason, RuleError
from invites.lists import ldif, vcards, workbooks
from invites.lists.csv_rows import MAX_LINES, check, rows
from invites.lists.dialect import (
    guess_delimiter,
    without_quotes_around_rows,
    without_separator_line,
)
from invites.lists.encodings import decode
from invites.lists.table import MAX_BYTES, MAX_MEGABYTES, Table

# A web page, which many programs export as .xls; not <ada@example.org>.
_MARKUP = re.compile(r"\s*<(?:[!?]|(?:html|head|meta|style|table|div)[\s>])", re.IGNORECASE)
_MAX_REWRITTEN = 4 * 1024 * 1024  # characters; 50,000 addresses with names


def read(content: bytes, encoding: str = "", delimiter: str = "") -> Table:
    """Detects the format from the content, not from the file name.

    Reads CSV, workbooks (.xlsx, .xlsb, .xls, .ods) and contacts (.vcf, .ldif). Guesses the encoding
    and delimiter of text files unless they are given. Raises RuleError(FILE_*), or LIST_TOO_LONG
    for too many lines.
    """
    if len(content) > MAX_BYTES:
        raise RuleError(Reason.FILE_TOO_LARGE, limit=MAX_MEGABYTES)
    if workbooks.is_container(content):
        rows_of_sheet, sheets = workbooks.to_csv(content)
        text, _encoding = decode(rows_of_sheet)
        return replace(_checked(_csv_table(text, ",")), sheets=tuple(sheets))
    text, encoding = decode(content, encoding)
    if vcards.is_vcard(text):
        return _checked(vcards.read_vcards(text))
    if ldif.is_ldif(text):
        return _checked(ldif.read_ldif(text))
    if _MARKUP.match(text):
        raise RuleError(Reason.FILE_MARKUP)
    if not text or text.isspace():
        raise RuleError(Reason.FILE_EMPTY)
    return _checked(_text_table(text, encoding, delimiter))


def read_again(content: bytes, encoding: str, delimiter: str) -> Table:
    """Makes the same table again from a text file that ``read`` has checked."""
    return _text_table(decode(content, encoding)[0], encoding, delimiter)


def _text_table(text: str, encoding: str, delimiter: str) -> Table:
    if text.startswith('"') and len(text) <= _MAX_REWRITTEN:
        text = without_quotes_around_rows(text)
    text, written_delimiter = without_separator_line(text)
    return replace(_csv_table(text, delimiter or written_delimiter), encoding=encoding)


def _csv_table(text: str, delimiter: str) -> Table:
    if text.count("\n") > MAX_LINES:
        text = text.rstrip()  # makes a copy, so only if it may help
    delimiter = delimiter or guess_delimiter(text)
    return Table(_one_address_per_row(text, delimiter), delimiter)


def _checked(table: Table) -> Table:
    if "@" not in table.text:
        raise RuleError(Reason.FILE_NO_ADDRESSES)
    check(table.text, table.delimiter)
    return table


def _one_address_per_row(text: str, delimiter: str) -> str:
    """Moves each address to a row of its own if there is nothing but addresses.

    Changes nothing if several rows all have the same number of cells: those are columns.
    """
    if len(text) > _MAX_REWRITTEN or text.count('"') % 2:
        return text
    addresses = 0
    widths = []
    try:
        for row in filter(None, rows(text.strip(), delimiter)):
            filled = [cell for cell in row if cell.strip()]
            if not all("@" in cell for cell in filled):
                return text
            addresses += len(filled)
            widths.append(len(row))
    except csv.Error:
        return text
    if addresses <= len(widths) or (len(widths) > 1 and min(widths) == max(widths)):
        return text
    out = io.StringIO()
    # Reads the text again, because a list of two million cells would take 200 MB.
    cells = chain.from_iterable(rows(text.strip(), delimiter))
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(
        [cell] for cell in cells if cell.strip()
    )
    return out.getvalue()
