"""Reading a list of 50,000 rows: from the bytes of a file to its entries."""

import csv
import gc
import io
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from invites.core.errors import RuleError
from invites.lists import files
from tests.support import large_files, list_files

ROWS = 50_000
RUNS = 3
LIMIT = 2  # seconds, for the slowest files of 20 MB

_SHAPES: dict[str, tuple[list[str], Callable[[int], list[Any]]]] = {
    "one column": (["Email"], lambda n: [_email(n)]),
    "name and address": (["Name", "Email"], lambda n: [_name(n), _email(n)]),
    "eight columns": (
        ["Id", "First Name", "Last Name", "Email", "Phone", "City", "Team", "Note"],
        lambda n: [n, "Ada", "Okafor", _email(n), f"+44 20 {n}", "Paris", f"Team {n % 9}", "none"],
    ),
    "names in quotes": (["Name", "Email"], lambda n: [f"Okafor, {_name(n)}", _email(n)]),
}


def main() -> None:
    """Prints medians and their ratios to decoding and csv.reader, then the slowest files."""
    print(f"{ROWS:,} rows, medians of {RUNS} runs")
    for shape, (titles, row) in _SHAPES.items():
        content, book = _files(titles, row)
        gc.collect()
        times = [
            (_time(_floor, content), _time(_entries, content), _time(_entries, book))
            for _ in range(RUNS)
        ]
        floor, csv_file, xlsx_file = map(statistics.median, zip(*times, strict=True))
        _line(f"{shape}: decode and csv.reader", floor, floor)
        _line(f"{shape}: .csv", csv_file, floor)
        _line(f"{shape}: .xlsx", xlsx_file, floor)
        for kind, file in ((".csv", content), (".xlsx", book)):
            print(f"{f'{shape}: {kind}, peak over idle':<46} {_peak(file):7.1f} MB")
    for name, make_heap in large_files.LARGE_FILES.items():
        content = make_heap()
        seconds = statistics.median(_time(_entries_or_reason, content) for _ in range(RUNS))
        print(f"{f'20 MB: {name}':<46} {seconds * 1000:7.1f} ms {seconds / LIMIT:7.2f} x limit")


def _files(titles: list[str], row: Callable[[int], list[Any]]) -> tuple[bytes, bytes]:
    rows = [titles, *map(row, range(ROWS))]
    text = list_files.csv_text([[str(cell) for cell in row] for row in rows], ",", "\n")
    return text.encode(), list_files.workbook({"People": rows})


def peak_of_one() -> None:
    """Prints how many MB reading standard input adds to this process's peak memory."""
    _entries(b"Name,Email\nAda,ada@example.org\n")
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _entries(sys.stdin.buffer.read())
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024)


def _peak(content: bytes) -> float:
    # A child inherits its parent's peak, so a small process starts it.
    code = "import sys, subprocess; sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"
    child = "from bench.reading import peak_of_one; peak_of_one()"
    done = subprocess.run(
        [sys.executable, "-c", code, "-c", child], input=content, capture_output=True, check=True
    )
    return float(done.stdout)


def _floor(content: bytes) -> object:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def _entries(content: bytes) -> object:
    table = files.read(content)
    return table.columns(), table.entries(table.choice())


def _entries_or_reason(content: bytes) -> object:
    try:
        return _entries(content)
    except RuleError as refused:
        return refused.reason


def _time(work: Callable[[bytes], object], content: bytes) -> float:
    start = time.perf_counter()
    work(content)
    return time.perf_counter() - start


def _line(what: str, seconds: float, floor: float) -> None:
    print(f"{what:<46} {seconds * 1000:7.1f} ms {seconds / floor:7.2f} x floor")


def _email(number: int) -> str:
    return f"volunteer{number}@town{number % 300}.example"


def _name(number: int) -> str:
    return f"Ada{chr(97 + number % 26)} Okafor"


if __name__ == "__main__":
    main()
