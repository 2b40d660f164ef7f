"""Turns a workbook on standard input into CSV on standard output: a program of its own.

The first line that comes out names the sheets, as JSON: the one that follows, then the others.

Started by workbooks.py, so that a file made to take all memory takes only this
process, which has limits. Says what went wrong with its exit status. Imports
nothing of Invites: it starts in a few milliseconds, and knows no secrets.
"""

import csv
import io
import json
import resource
import signal
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

    Cell = str | float | bool | time | date | datetime | timedelta

LOCKED, TOO_MUCH, TOO_WIDE = 3, 4, 5  # exit statuses; any other but 0 is a broken file
MAX_COLUMNS = 16_384  # what a spreadsheet can have
MAX_TEXT = 20 * 1024 * 1024  # bytes that come out

_MEMORY = 512 * 1024 * 1024  # bytes of addresses
_SECONDS = 6.0  # of work; 50,000 rows of 20 columns take a small box three
_NAMED = 20  # sheets
_NAME = 60  # characters of a sheet's name; Excel allows 31
_SOME = 5  # more than anybody is asked to write to


def main() -> None:
    """Read, convert, write; or end with a status."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)  # ends us; RLIMIT_CPU knows whole seconds only
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import PasswordError, load_workbook  # within the limits

    try:
        workbook = load_workbook(io.BytesIO(sys.stdin.buffer.read()))
        number, text = _sheet_of_people(workbook)
    except PasswordError:
        sys.exit(LOCKED)
    except MemoryError:
        sys.exit(TOO_MUCH)
    names = [name[:_NAME] for name in workbook.sheet_names]
    sheets = [*names[number : number + 1], *names[:number], *names[number + 1 :]]
    sys.stdout.buffer.write(json.dumps(sheets[:_NAMED]).encode() + b"\n")
    sys.stdout.buffer.write(text)


def _sheet_of_people(workbook: "CalamineWorkbook") -> tuple[int, bytes]:
    """The first sheet that has an @ in some lines, or else the one with the most of them.

    And its place among the sheets.

    A sheet that explains the others may say whom to write to. Nothing when no sheet has any.
    """
    chosen, most = 0, b""
    for number in range(len(workbook.sheet_names)):
        text = _csv(workbook.get_sheet_by_index(number))
        if text.count(b"@") > most.count(b"@"):
            chosen, most = number, text
        if most.count(b"@") > _SOME:
            break
    return chosen, most


def _csv(sheet: "CalamineSheet") -> bytes:
    if sheet.width > MAX_COLUMNS:
        sys.exit(TOO_WIDE)
    out = io.BytesIO()
    with io.TextIOWrapper(out, "utf-8", "replace", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        for row in _filled(sheet):
            writer.writerow(row)
            if out.tell() > MAX_TEXT:
                sys.exit(TOO_MUCH)
        lines.flush()
        return out.getvalue()


def _filled(sheet: "CalamineSheet") -> Iterator[list[str]]:
    """The cells as text; rows that only look filled are empty."""
    for row in sheet.iter_rows():
        cells = [cell if type(cell) is str else _text(cell) for cell in row]
        yield cells if any(cells) else []


def _text(cell: "Cell") -> str:
    """As people would type it: 5 for 5.0, and days without midnight."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time.min:
        return str(cell.date())
    return str(cell)


if __name__ == "__main__":
    main()
