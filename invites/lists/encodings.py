"""Detects encodings, decodes files, and refuses what isn't text."""

import codecs
import io
import re
from collections.abc import Iterator

from invites.core.errors import Reason, RuleError
from invites.lists.encoding_guess import guess_encoding, non_ascii_lines
from invites.lists.letters import ENCODINGS

_SAMPLE = 64 * 1024  # bytes, or characters
_CHUNK = 1024 * 1024  # bytes
_LARGE = 8 * 1024 * 1024  # bytes
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")

ASCII = "ascii"  # correct in nearly every encoding
UTF_8 = "utf-8"
MIXED = "mixed"  # UTF-8 with some Windows-1252 characters
UNKNOWN = "unknown"  # only ASCII characters are read
CHOICES = (UTF_8, *ENCODINGS)  # offered to people who know the encoding
_CODECS = {
    ASCII: "utf-8-sig",
    UTF_8: "utf-8-sig",
    MIXED: "utf-8-sig",
    UNKNOWN: "ascii",
}

_DOS_END = "\x1a"
# Python's escape for each byte that isn't UTF-8, and the byte's character in Windows-1252.
_CP1252_ESCAPES = [
    (chr(0xDC00 + byte), bytes([byte]).decode("cp1252", "replace")) for byte in range(0x80, 0x100)
]

_BINARY_SIGNATURES = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"{\\rtf",
    b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"\x7fELF", b"MZ\x90", b"SQLite ",
)  # fmt: skip


def decode(content: bytes, encoding: str = "") -> tuple[str, str]:
    """Returns the text, with universal newlines, and its encoding.

    The encoding is one of CHOICES, ASCII, MIXED, UNKNOWN or a UTF-16; it is guessed unless given.
    Characters that can't be read become U+FFFD. Raises RuleError(FILE_NOT_TEXT).
    """
    if content.startswith(_BINARY_SIGNATURES):
        raise RuleError(Reason.FILE_NOT_TEXT)
    for likely in [encoding] if encoding else _likely_encodings(content):
        is_certain = likely.startswith("utf") and not encoding
        try:
            text = _decode_as(content, likely, "strict" if is_certain else "replace")
        except UnicodeError:
            continue
        text = text.rstrip(_DOS_END)
        if "\0" in text or _share_of_control_characters(text[:_SAMPLE]) > 0.01:
            break
        return text, ASCII if likely == UTF_8 and text.isascii() else likely
    raise RuleError(Reason.FILE_NOT_TEXT)


def _likely_encodings(content: bytes) -> Iterator[str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield "utf-16"
        return
    head = content[:_SAMPLE]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 50 + 2 and min(even, odd) < max(even, odd) // 10:
        yield "utf-16-be" if even > odd else "utf-16-le"
        return
    yield UTF_8
    if content.startswith(codecs.BOM_UTF8) or _is_mostly_utf_8(content):
        yield MIXED
    elif b"\n" not in content and _is_mac_roman(head):
        yield "mac_roman"
    else:
        yield guess_encoding(content) or UNKNOWN


def _is_mostly_utf_8(content: bytes) -> bool:
    lines = non_ascii_lines(content)
    return 2 * sum(map(is_utf_8, lines)) >= len(lines) > 0


def is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_mac_roman(head: bytes) -> bool:
    """Counts bytes that are letters in Mac Roman and in Windows; for files with CR line ends."""
    mac_letters = sum(0x80 <= byte < 0xA0 for byte in head)
    windows_letters = sum(byte >= 0xC0 for byte in head)
    return mac_letters > windows_letters


def _decode_as(content: bytes, encoding: str, errors: str) -> str:
    """Decodes in chunks. In large files, replaces characters beyond the BMP, such as emoji.

    A single one makes Python use four bytes for every character.
    """
    mixed = encoding == MIXED
    codec = codecs.getincrementaldecoder(_CODECS.get(encoding, encoding))
    decoder = io.IncrementalNewlineDecoder(codec("surrogateescape" if mixed else errors), True)
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
