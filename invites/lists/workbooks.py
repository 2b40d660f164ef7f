"""Workbooks (.xlsx, .xlsb, .xls, .ods): what may be opened, and opening it at arm's length."""

import io
import json
import struct
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from threading import BoundedSemaphore, Timer

from invites.core.errors import Reason, RuleError
from invites.lists.workbook_converter import LOCKED, MAX_COLUMNS, MAX_TEXT, TOO_MUCH, TOO_WIDE

_CHILD = Path(__file__).with_name("workbook_converter.py")
_SECONDS = 12  # for the child, waiting for the processor too
_AT_ONCE = BoundedSemaphore(2)  # each may take half a gigabyte

_MAX_PARTS = 2_000
_MAX_UNPACKED = 150 * 1024 * 1024  # bytes

_ZIP = b"PK"
_OLE = b"\xd0\xcf\x11\xe0"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_UNREADABLE = (
    zipfile.BadZipFile, struct.error, NotImplementedError, ValueError, OverflowError, OSError,
)  # fmt: skip


def is_container(content: bytes) -> bool:
    """Whether this is a file of the kinds that workbooks are, and other documents too."""
    return content.startswith((_ZIP + b"\x03\x04", _ZIP + b"\x05\x06", _OLE))


def csv_of(content: bytes) -> tuple[bytes, list[str]]:
    """The first sheet with a list of addresses, as CSV in UTF-8; nothing when no sheet has any.

    And the names of the sheets: of this one first, then of the others, 20 at most.

    Raises RuleError: FILE_WORKBOOK_*, or FILE_ZIP and FILE_NOT_TEXT for what is no workbook.
    """
    if content.startswith(_OLE):
        _check_ole(content)
    else:
        _check_zip(content)
    return _converted(content)


def _check_ole(content: bytes) -> None:
    if _utf_16("EncryptedPackage") in content:
        raise RuleError(Reason.FILE_WORKBOOK_LOCKED)
    if _utf_16("Book") not in content and _utf_16("Workbook") not in content:
        raise RuleError(Reason.FILE_NOT_TEXT)


def _utf_16(name: str) -> bytes:
    return name.encode("utf-16-le")


def _check_zip(content: bytes) -> None:
    if content.count(_DIRECTORY_ENTRY) > _MAX_PARTS:  # each would take a kilobyte to look at
        raise RuleError(Reason.FILE_WORKBOOK_TOO_LARGE)
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except _UNREADABLE:
        raise RuleError(Reason.FILE_WORKBOOK_BROKEN) from None
    names = {part.filename for part in parts}
    if not any(name.startswith("xl/") for name in names) and not _is_ods(content):
        documents = ("word/", "ppt/", "content.xml", "Index/")
        other = any(name.startswith(documents) for name in names)
        raise RuleError(Reason.FILE_NOT_TEXT if other else Reason.FILE_ZIP)
    if any(part.flag_bits & 1 for part in parts):
        raise RuleError(Reason.FILE_WORKBOOK_LOCKED)
    if sum(part.file_size for part in parts) > _MAX_UNPACKED:
        raise RuleError(Reason.FILE_WORKBOOK_TOO_LARGE)


def _is_ods(content: bytes) -> bool:
    return b"application/vnd.oasis.opendocument.spreadsheet" in content[:200]


def _converted(content: bytes) -> tuple[bytes, list[str]]:
    with _AT_ONCE:
        status, text = _run_child(content)
    if status == LOCKED:
        raise RuleError(Reason.FILE_WORKBOOK_LOCKED)
    if status == TOO_WIDE:
        raise RuleError(Reason.FILE_TOO_WIDE, limit=MAX_COLUMNS)
    if status == TOO_MUCH or status < 0 or len(text) > MAX_TEXT:  # below 0: killed by a limit
        raise RuleError(Reason.FILE_WORKBOOK_TOO_LARGE)
    if status:
        raise RuleError(Reason.FILE_WORKBOOK_BROKEN)
    names, _, rows = text.partition(b"\n")
    return rows, ["".join(filter(str.isprintable, name)) for name in json.loads(names)]


def _run_child(content: bytes) -> tuple[int, bytes]:
    """Its exit status and what it wrote; one byte too much when that was too much."""
    with subprocess.Popen(  # noqa: S603  # our own program; what people send is its stdin
        [sys.executable, "-I", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    ) as child:
        assert child.stdin
        assert child.stdout
        killer = Timer(_SECONDS, child.kill)
        killer.start()
        try:
            with suppress(BrokenPipeError):  # a child that ended has said why
                child.stdin.write(content)
                child.stdin.close()
            text = child.stdout.read(MAX_TEXT + 1)
            child.stdout.close()
            return child.wait(), text
        finally:
            child.kill()
            killer.cancel()
