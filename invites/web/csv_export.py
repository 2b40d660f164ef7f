"""CSV files that are safe to open in a spreadsheet program."""

import csv
import re
from collections.abc import Iterable, Sequence
from functools import partial
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile

from flask import Response

_IN_MEMORY = 500_000  # bytes; larger files are on disk
_CHUNK = 64 * 1024  # bytes sent at once

# The position before a formula: at the beginning of a cell, or after a character that another
# program may read as a separator (OWASP: CSV injection). White space is matched only from its
# beginning; otherwise a long run would take quadratic time.
_FORMULA = re.compile(
    r"(?:^|(?<=;)|(?<!\s)[^\S\t\r\n]*+[\t\r\n])\s*+(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


def csv_file(name: str, lines: Iterable[Sequence[str]]) -> Response:
    """In UTF-8. ``name``: the file name offered for saving.

    Reads all lines before sending. Otherwise a slow client would keep a database transaction open.
    """
    file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # the response closes it
    text = TextIOWrapper(file, "utf-8-sig", newline="")  # Excel recognizes UTF-8 by its BOM
    write = csv.writer(text).writerow
    for cells in lines:
        write([_FORMULA.sub(r"\g<0>'", cell) for cell in cells])
    text.flush()
    file.seek(0)
    response = Response(
        iter(partial(file.read, _CHUNK), b""),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )
    response.call_on_close(text.close)
    return response
