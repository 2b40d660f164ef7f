"""A program that converts a workbook on standard input to CSV on standard output.

The first line of the output is a JSON list of the sheets' names, starting with the converted one.
The exit status says what went wrong.

workbooks.py runs it as a process with limits, in case a file is crafted to use up the memory. It
imports nothing from Invites, so it starts in a few milliseconds and knows no secrets.
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

# Exit statuses. 0 is success; any other status means that the file is broken.
LOCKED, TOO_LARGE, TOO_WIDE = 3, 4, 5

MAX_COLUMNS = 16_384  # the limit of spreadsheet programs
MAX_OUTPUT = 20 * 1024 * 1024  # bytes

_MAX_MEMORY = 512 * 1024 * 1024  # bytes
_MAX_SECONDS = 6.0  # of CPU time; 50,000 rows of 20 columns take about three
_MAX_SHEETS = 20  # whose names are returned
_MAX_SHEET_NAME = 60  # characters; Excel allows 31
_CONTACT_ADDRESSES = 5  # a sheet of explanations may have this many


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    signal.setitimer(signal.ITIMER_PROF, _MAX_SECONDS)  # RLIMIT_CPU allows only whole seconds
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import PasswordError, load_workbook  # after the limits are set

    try:
        workbook = load_workbook(io.BytesIO(sys.stdin.buffer.read()))
        number, text = _sheet_with_addresses(workbook)
    except PasswordError:
        sys.exit(LOCKED)
    except MemoryError:
        sys.exit(TOO_LARGE)
    names = [name[:_MAX_SHEET_NAME] for name in workbook.sheet_names]
    sheets = [*names[number : number + 1], *names[:number], *names[number + 1 :]]
    sys.stdout.buffer.write(json.dumps(sheets[:_MAX_SHEETS]).encode() + b"\n")
    sys.stdout.buffer.write(text)


def _sheet_with_addresses(workbook: "CalamineWorkbook") -> tuple[int, bytes]:
    """Index and CSV of the first sheet with more than five addresses, or of the one with most.

    The CSV is empty if no sheet has any.
    """
    chosen, most = 0, b""
    for number in range(len(workbook.sheet_names)):
        text = _csv(workbook.get_sheet_by_index(number))
        if text.count(b"@") > most.count(b"@"):
            chosen, most = number, text
        if most.count(b"@") > _CONTACT_ADDRESSES:
            break
    return chosen, most


def _csv(sheet: "CalamineSheet") -> bytes:
    if sheet.width > MAX_COLUMNS:
        sys.exit(TOO_WIDE)
    out = io.BytesIO()
    with io.TextIOWrapper(out, "utf-8", "replace", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        for row in _rows(sheet):
            writer.writerow(row)
            if out.tell() > MAX_OUTPUT:
                sys.exit(TOO_LARGE)
        lines.flush()
        return out.getvalue()


def _rows(sheet: "CalamineSheet") -> Iterator[list[str]]:
    """[] for a row of empty cells."""
    for row in sheet.iter_rows():
        cells = [cell if type(cell) is str else _text(cell) for cell in row]
        yield cells if any(cells) else []


def _text(cell: "Cell") -> str:
    """5 instead of 5.0, and dates without midnight."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time.min:
        return str(cell.date())
    return str(cell)


if __name__ == "__main__":
    main()
