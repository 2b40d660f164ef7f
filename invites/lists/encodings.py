"""Detects encodings, decodes files, and refuses what isn't text."""

import codecs
import io
import re
from collections.abc import Sequence

from invites.core.errors import Reason, RuleError

_SAMPLE = 64 * 1024  # bytes, or characters
_CHUNK = 1024 * 1024  # bytes
_LARGE = 8 * 1024 * 1024  # bytes
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_MIXED = "mixed"  # UTF-8 with some Windows-1252 characters, or Windows-1252 alone
_DOS_END = "\x1a"
# Python's escape for each byte that isn't UTF-8, and the byte's character in Windows-1252.
_CP1252_ESCAPES = [
    (chr(0xDC00 + byte), bytes([byte]).decode("cp1252", "replace")) for byte in range(0x80, 0x100)
]

_BINARY_SIGNATURES = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"{\\rtf",
    b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"\x7fELF", b"MZ\x90", b"SQLite ",
)  # fmt: skip


def decode(content: bytes) -> str:
    """With universal newlines. Raises RuleError(FILE_NOT_TEXT)."""
    if content.startswith(_BINARY_SIGNATURES):
        raise RuleError(Reason.FILE_NOT_TEXT)
    for encoding in _likely_encodings(content):
        try:
            text = _decode_as(content, encoding)
        except UnicodeError:
            continue
        text = text.rstrip(_DOS_END)
        if "\0" in text or _share_of_control_characters(text[:_SAMPLE]) > 0.01:
            break
        return text
    raise RuleError(Reason.FILE_NOT_TEXT)


def _likely_encodings(content: bytes) -> Sequence[str]:
    if content.startswith(codecs.BOM_UTF8):
        return ["utf-8-sig", _MIXED]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    head = content[:_SAMPLE]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 50 + 2 and min(even, odd) < max(even, odd) // 10:
        return ["utf-16-be" if even > odd else "utf-16-le"]
    return ["utf-8", _MIXED if b"\n" in content else _mac_or_windows(head)]


def _mac_or_windows(head: bytes) -> str:
    """Guesses from the positions of the letters; for files with CR line ends."""
    mac_letters = sum(0x80 <= byte < 0xA0 for byte in head)
    windows_letters = sum(byte >= 0xC0 for byte in head)
    return "mac_roman" if mac_letters > windows_letters else _MIXED


def _decode_as(content: bytes, encoding: str) -> str:
    """Decodes in chunks. In large files, replaces characters beyond the BMP, such as emoji.

    A single one would make Python take four bytes for every character.
    """
    mixed = encoding == _MIXED
    codec = codecs.getincrementaldecoder("utf-8-sig" if mixed else encoding)
    decoder = io.IncrementalNewlineDecoder(codec("surrogateescape" if mixed else "strict"), True)
    text = ""
    for start in range(0, len(content), _CHUNK):
        end = start + _CHUNK
        chunk = decoder.decode(content[start:end], final=end >= len(content))
        if mixed:
            for escape, letter in _CP1252_ESCAPES:
                chunk = chunk.replace(escape, letter)
        text += _BEYOND_BMP.sub("\ufffd", chunk) if len(content) > _LARGE else chunk
    return text


def _share_of_control_characters(text: str) -> float:
    control = sum(1 for c in text if c < " " and c not in "\t\n\v\f\r")
    return control / max(len(text), 1)
