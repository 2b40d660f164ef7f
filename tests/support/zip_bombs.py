"""Handmade files: zip bombs, files that only look like lists, and very large lists."""

import io
import zipfile
from collections.abc import Callable

from invites.core.errors import Reason

_XML = '<?xml version="1.0"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

_PARTS = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_DOCUMENT}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_SHEET}" xmlns:r="{_DOCUMENT}"><sheets>'
    '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_DOCUMENT}/sharedStrings" Target="sharedStrings.xml"/>'
    "</Relationships>",
}


def zipped(parts: dict[str, bytes | str]) -> bytes:
    """A zip file of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def ole(stream: str) -> bytes:
    """The beginning of an Office file from before 2007, with the name of a stream."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + stream.encode("utf-16-le")


def workbook(rows: str, strings: str = "") -> bytes:
    """An .xlsx file. ``rows`` and ``strings``: the XML of its rows and shared strings."""
    sheet = f'{_XML}<worksheet xmlns="{_SHEET}"><sheetData>{rows}</sheetData></worksheet>'
    shared = f'{_XML}<sst xmlns="{_SHEET}">{strings}</sst>'
    return zipped(_PARTS | {"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": shared})


def cell(place: str, text: str) -> str:
    """The XML of a cell. Without a place, it follows the previous one."""
    where = f' r="{place}"' if place else ""
    return f'<c{where} t="inlineStr"><is><t>{text}</t></is></c>'


def row(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


_FIRST = row(1, cell("A1", "ada@example.org"))
_TOO_MUCH = Reason.FILE_WORKBOOK_TOO_LARGE

# For each file: how to make it, and why it is refused.
QUICK: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "the last cell of all": (
        lambda: workbook(_FIRST + row(1048576, cell("XFD1048576", "b"))),
        _TOO_MUCH,
    ),
    "500,000,000 cells": (
        lambda: workbook(_FIRST + row(1048576, cell("SF1048576", "b"))),
        _TOO_MUCH,
    ),
    "1 GB, said openly": (
        lambda: _said_to_have(10**9, workbook(_FIRST)),
        _TOO_MUCH,
    ),
    "many parts": (lambda: zipped({f"xl/{n}": b"" for n in range(3_000)}), _TOO_MUCH),
    "20,000 columns": (
        lambda: workbook(row(1, cell("", "Ada"), cell("", "a@b.org") * 20_000)),
        Reason.FILE_TOO_WIDE,
    ),
    "a property of a million lines": (
        lambda: (
            b"BEGIN:VCARD\nEMAIL;QUOTED-PRINTABLE;"
            + (b"x" * 9_900 + b"=\n") * 2
            + b"=\n" * 1_000_000
        ),
        Reason.FILE_NO_ADDRESSES,
    ),
    "a cell of 200 kB": (
        lambda: workbook(row(1, cell("A1", "a@" * 100_000))),
        Reason.FILE_LONG_CELL,
    ),
}
SLOW: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "many strings": (lambda: workbook(_FIRST, "<si/>" * 29_000_000), _TOO_MUCH),
    "300 MB, said to be 1 kB": (
        lambda: _said_to_have(1_000, workbook(_FIRST, f"<si><t>{'a' * 300_000_000}</t></si>")),
        Reason.FILE_WORKBOOK_BROKEN,
    ),
    "a hundred thousand columns": (
        lambda: workbook(row(1, cell("", "Ada"), cell("", "a@b.org") * 100_000)),
        Reason.FILE_TOO_WIDE,
    ),
}


def _said_to_have(size: int, content: bytes) -> bytes:
    """Falsifies the unpacked size of the last part in the zip's directory."""
    place = content.rindex(b"PK\x01\x02") + 24
    return content[:place] + size.to_bytes(4, "little") + content[place + 4 :]
