"""From bytes to text: which encoding it is, and what isn't text at all."""

import codecs
import io
import re
from collections.abc import Sequence

from invites.core.errors import Reason, RuleError

_LOOKED_AT = 64 * 1024  # bytes that tell the encoding
_PIECE = 1024 * 1024  # bytes
_LARGE = 8 * 1024 * 1024  # bytes
_RARE = re.compile("[\U00010000-\U0010ffff]")
_MIXED = "mixed"  # UTF-8 with letters of Windows-1252 in it, or nothing but these
_DOS_END = "\x1a"
# What Python makes of bytes that aren't UTF-8, and what they mean in Windows-1252.
_STRAY = [
    (chr(0xDC00 + byte), bytes([byte]).decode("cp1252", "replace")) for byte in range(0x80, 0x100)
]

_NO_TEXT_STARTS = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"{\\rtf",
    b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"\x7fELF", b"MZ\x90", b"SQLite ",
)  # fmt: skip


def decode(content: bytes) -> str:
    """The text in ``content``, lines ending as in Python. Raises RuleError(FILE_NOT_TEXT)."""
    if content.startswith(_NO_TEXT_STARTS):
        raise RuleError(Reason.FILE_NOT_TEXT)
    for encoding in _likely_encodings(content):
        try:
            text = _decoded(content, encoding)
        except UnicodeError:
            continue
        text = text.rstrip(_DOS_END)
        if "\0" in text or _share_of_control(text[:_LOOKED_AT]) > 0.01:
            break
        return text
    raise RuleError(Reason.FILE_NOT_TEXT)


def _likely_encodings(content: bytes) -> Sequence[str]:
    if content.startswith(codecs.BOM_UTF8):
        return ["utf-8-sig", _MIXED]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    head = content[:_LOOKED_AT]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 50 + 2 and min(even, odd) < max(even, odd) // 10:
        return ["utf-16-be" if even > odd else "utf-16-le"]
    return ["utf-8", _MIXED if b"\n" in content else _of_a_mac(head)]


def _of_a_mac(head: bytes) -> str:
    """The likelier encoding of a file with old Mac line ends: each has its letters elsewhere."""
    mac_letters = sum(0x80 <= byte < 0xA0 for byte in head)
    windows_letters = sum(byte >= 0xC0 for byte in head)
    return "mac_roman" if mac_letters > windows_letters else _MIXED


def _decoded(content: bytes, encoding: str) -> str:
    """In pieces: one wide letter in 20 MB of narrow ones would take 100 MB on the way."""
    mixed = encoding == _MIXED
    codec = codecs.getincrementaldecoder("utf-8-sig" if mixed else encoding)
    decoder = io.IncrementalNewlineDecoder(codec("surrogateescape" if mixed else "strict"), True)
    text = ""
    for start in range(0, len(content), _PIECE):
        end = start + _PIECE
        piece = decoder.decode(content[start:end], final=end >= len(content))
        if mixed:
            for stray, letter in _STRAY:
                piece = piece.replace(stray, letter)
        text += _RARE.sub("\ufffd", piece) if len(content) > _LARGE else piece
    return text


def _share_of_control(text: str) -> float:
    control = sum(1 for c in text if c < " " and c not in "\t\n\v\f\r")
    return control / max(len(text), 1)
