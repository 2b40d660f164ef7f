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

# Before a formula: at the beginning of a cell, or after a character that another program may take
# for a separator (OWASP: CSV injection). A gap is searched once, from its beginning: otherwise a
# long one would take quadratic time.
_FORMULA = re.compile(
    r"(?:^|(?<=;)|(?<!\s)[^\S\t\r\n]*+[\t\r\n])\s*+(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


def csv_file(name: str, lines: Iterable[Sequence[str]]) -> Response:
    """In UTF-8. ``name``: the file name offered for saving.

    It is complete before it is sent, so that a slow reader doesn't keep the database from
    forgetting old rows.
    """
    file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # the response closes it
    text = TextIOWrapper(file, "utf-8-sig", newline="")  # Excel needs the mark to recognize UTF-8
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
