"""CSV files that are safe to open in a spreadsheet program."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

# Before a formula: at the beginning of a cell, or after a character that another program may take
# for a separator (OWASP: CSV injection). A gap is searched once, from its beginning: otherwise a
# long one would take quadratic time.
_FORMULA = re.compile(
    r"(?:^|(?<=;)|(?<!\s)[^\S\t\r\n]*+[\t\r\n])\s*+(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


def csv_file(name: str, lines: Iterable[Sequence[str]]) -> Response:
    """In UTF-8. ``name``: the file name offered for saving."""
    return Response(
        stream_with_context(_text(lines)),  # the lines are read during the request
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _text(lines: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "\ufeff"  # Excel needs it to recognize UTF-8
    for cells in lines:
        line = io.StringIO()
        csv.writer(line).writerow(_FORMULA.sub(r"\g<0>'", cell) for cell in cells)
        yield line.getvalue()
