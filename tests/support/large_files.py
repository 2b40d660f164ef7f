"""The files of 20 MB that take longest to read."""

from collections.abc import Callable

from invites.lists.entries import MAX_ENTRIES
from invites.lists.table import MAX_BYTES

LARGE_FILES: dict[str, Callable[[], bytes]] = {
    "commas": lambda: b"a@b.org" + b"," * (MAX_BYTES - 7),
    "rows of commas": lambda: (b"a@b.org" + b"," * 16_000 + b"\n") * 1290,
    "empty lines before": lambda: b"\n" * (MAX_BYTES - 7) + b"a@b.org",
    "empty lines behind": lambda: b"a@b.org" + b"\n" * (MAX_BYTES - 7),
    "quotes": lambda: b"a@b.org\n" + b'"' * (MAX_BYTES - 8),
    "quoted line ends": lambda: b"a@b.org" + b'"\n",' * (MAX_BYTES // 4 - 2),
    "one cell": lambda: b"a@b.org\n" + b"x" * (MAX_BYTES - 8),
    "one quoted cell": lambda: b'a@b.org\n"' + b"x" * (MAX_BYTES - 9),
    "long cells": lambda: b"a@b.org\n" + (b"x" * 99_000 + b",") * 200,
    "wide rows": lambda: (b"a@b.org," + b"x" * 390 + b"\n") * MAX_ENTRIES,
    "wide rows, wide letters": lambda: (
        "ж🌻\n".encode() + (b"a@b.org," + b"x" * 390 + b"\n") * (MAX_ENTRIES - 1)
    ),
    "letters of Windows-1252": lambda: (b"a@b.org," + b"n\xe9\x92\x81" * 97 + b"\n") * MAX_ENTRIES,
    # Read as Hungarian, whose characters take two bytes.
    "letters of Windows-1250": lambda: (
        (b"a@b.org," + b"Erzs\xe9bet Jen\xf5 " * 26 + b"\n") * MAX_ENTRIES
    ),
    "contacts": lambda: (
        (b"BEGIN:VCARD\nFN:" + b"A" * 180 + b"\nEMAIL:" + b"a" * 150 + b"@b.org\nEND:VCARD\n")
        * MAX_ENTRIES
    ),
    # Only 4 MB: longer lists aren't turned into one address per row.
    "addresses in rows of two lengths": lambda: (
        (b"@," * 16_000 + b"\n" + b"@@," * 15_000 + b"\n") * 50
    ),
    "directory of a zip": lambda: b"PK\x03\x04" + b"PK\x01\x02" * (MAX_BYTES // 4 - 1),
}
