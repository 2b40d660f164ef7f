"""Tables to download, safe to open in a spreadsheet program."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

# What begins a formula, also behind what separates cells elsewhere (OWASP: CSV injection).
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])")


def csv_file(name: str, lines: Iterable[Sequence[str]]) -> Response:
    """A CSV file with these lines of cells, in UTF-8; ``name`` as it is saved."""
    return Response(
        stream_with_context(_text(lines)),  # else each line is read after the request's end
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _text(lines: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "\ufeff"  # without it Excel takes UTF-8 for something else
    for cells in lines:
        line = io.StringIO()
        csv.writer(line).writerow(_FORMULA.sub(r"\1'", cell) for cell in cells)
        yield line.getvalue()
