"""Reads workbooks (.xlsx, .xlsb, .xls, .ods) in a process with limits."""

import io
import json
import lzma
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from threading import BoundedSemaphore, Timer

from invites.core.errors import Reason, RuleError
from invites.lists.workbook_converter import LOCKED, MAX_COLUMNS, MAX_OUTPUT, TOO_LARGE, TOO_WIDE

_CONVERTER = Path(__file__).with_name("workbook_converter.py")
_MAX_SECONDS = 12  # includes waiting for the CPU
_slots = BoundedSemaphore(2)  # a process may take half a gigabyte

_MAX_PARTS = 2_000
_MAX_UNPACKED = 150 * 1024 * 1024  # bytes
_MAX_START = 256 * 1024  # bytes read of a part

_ZIP = b"PK"
_OLE = b"\xd0\xcf\x11\xe0"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_EXCEL = re.compile(rb"spreadsheetml|ms-excel\.sheet")  # content types of .xlsx, .xlsm and .xlsb
_DOCUMENT_PARTS = ("word/", "ppt/", "content.xml", "index/")
_ENCRYPTED = 1  # in a part's flags
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_ODS_ENCRYPTION = b"encryption-data"
_UNREADABLE = (
    zipfile.BadZipFile, struct.error, NotImplementedError, ValueError, OverflowError, OSError,
    EOFError, RuntimeError, zlib.error, lzma.LZMAError,
)  # fmt: skip


def is_container(content: bytes) -> bool:
    """ZIP or OLE."""
    return content.startswith((_ZIP + b"\x03\x04", _ZIP + b"\x05\x06", _OLE))


def to_csv(content: bytes) -> tuple[bytes, list[str]]:
    """The sheet with the addresses as CSV in UTF-8; b"" if no sheet has any.

    Also returns the names of up to 20 sheets, starting with this one.

    Raises RuleError: FILE_WORKBOOK_*, FILE_TOO_WIDE; FILE_ZIP or FILE_NOT_TEXT if this isn't a
    workbook.
    """
    if content.startswith(_OLE):
        _check_ole(content)
    else:
        _check_zip(content)
    return _convert(content)


def _check_ole(content: bytes) -> None:
    if _utf_16("EncryptedPackage") in content:
        raise RuleError(Reason.FILE_WORKBOOK_LOCKED)
    if _utf_16("Book") not in content and _utf_16("Workbook") not in content:
        raise RuleError(Reason.FILE_NOT_TEXT)


def _utf_16(name: str) -> bytes:
    return name.encode("utf-16-le")


def _check_zip(content: bytes) -> None:
    if content.count(_DIRECTORY_ENTRY) > _MAX_PARTS:  # examining each takes a kilobyte
        raise RuleError(Reason.FILE_WORKBOOK_TOO_LARGE)
    try:
        file = zipfile.ZipFile(io.BytesIO(content))
        parts = file.infolist()
        names = {part.filename.replace("\\", "/").lower(): part for part in parts}
        kinds = ("[content_types].xml", "mimetype", "meta-inf/manifest.xml")
        types, mimetype, manifest = (_start(file, names.get(name)) for name in kinds)
    except _UNREADABLE:
        raise RuleError(Reason.FILE_WORKBOOK_BROKEN) from None
    is_excel = bool(_EXCEL.search(types)) or any(name.startswith("xl/") for name in names)
    if not is_excel and not mimetype.startswith(_ODS):
        is_document = bool(types + mimetype) or any(
            name.startswith(_DOCUMENT_PARTS) for name in names
        )
        raise RuleError(Reason.FILE_NOT_TEXT if is_document else Reason.FILE_ZIP)
    if any(part.flag_bits & _ENCRYPTED for part in parts) or _ODS_ENCRYPTION in manifest:
        raise RuleError(Reason.FILE_WORKBOOK_LOCKED)
    if sum(part.file_size for part in parts) > _MAX_UNPACKED:
        raise RuleError(Reason.FILE_WORKBOOK_TOO_LARGE)


def _start(file: zipfile.ZipFile, part: zipfile.ZipInfo | None) -> bytes:
    """The first bytes of a part, or b"" if it is encrypted. Doesn't trust its declared size."""
    if part is None or part.flag_bits & _ENCRYPTED:
        return b""
    with file.open(part) as content:
        return content.read(_MAX_START)


def _convert(content: bytes) -> tuple[bytes, list[str]]:
    with _slots:
        status, text = _run_converter(content)
    if status == LOCKED:
        raise RuleError(Reason.FILE_WORKBOOK_LOCKED)
    if status == TOO_WIDE:
        raise RuleError(Reason.FILE_TOO_WIDE, limit=MAX_COLUMNS)
    if status == TOO_LARGE or status < 0 or len(text) > MAX_OUTPUT:  # below 0: killed by a limit
        raise RuleError(Reason.FILE_WORKBOOK_TOO_LARGE)
    if status:
        raise RuleError(Reason.FILE_WORKBOOK_BROKEN)
    names, _, rows = text.partition(b"\n")
    return rows, ["".join(filter(str.isprintable, name)) for name in json.loads(names)]


def _run_converter(content: bytes) -> tuple[int, bytes]:
    """The exit status, and the output up to one byte more than allowed."""
    with subprocess.Popen(  # noqa: S603  # our own program; the upload is only its input
        [sys.executable, "-I", str(_CONVERTER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    ) as process:
        assert process.stdin
        assert process.stdout
        killer = Timer(_MAX_SECONDS, process.kill)
        killer.start()
        try:
            with suppress(BrokenPipeError):  # the process has ended; its status says why
                process.stdin.write(content)
                process.stdin.close()
            text = process.stdout.read(MAX_OUTPUT + 1)
            process.stdout.close()
            return process.wait(), text
        finally:
            process.kill()
            killer.cancel()
