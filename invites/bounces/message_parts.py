"""Splits messages into header fields and parts.

Messages are untrusted, so only the beginning is read, and no tree of parts is built.
"""

import quopri
import re
from base64 import b64decode
from dataclasses import dataclass

MAX_SIZE = 1024 * 1024  # bytes; a report comes before the message that it returns
_MAX_HEADERS = 64 * 1024  # characters
_MAX_PARTS = 10

_BLANK_LINE = re.compile(rb"(?:\A|\n)\n")
_FIELD = re.compile(r"^([!-9;-~]{1,80}):(.*(?:\n[ \t].*)*)", re.MULTILINE)
_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A message or a part of one. The names in ``headers`` are in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def read_part(raw: bytes) -> Part:
    head, *rest = _BLANK_LINE.split(_with_plain_line_ends(raw[:MAX_SIZE]), maxsplit=1)
    headers = fields(head.decode("utf-8", "replace"))
    body = _decoded(b"".join(rest), headers.get("content-transfer-encoding", ""))
    return Part(headers, _with_plain_line_ends(body))


def inner_parts(message: Part) -> list[Part]:
    """One level only: the body of a part isn't split further."""
    boundary = _BOUNDARY.search(message.headers.get("content-type", ""))
    if boundary is None or not message.kind.startswith("multipart/"):
        return []
    marker = re.escape((boundary[1] or boundary[2]).encode())
    line = re.compile(rb"^--" + marker + rb"(?:--)?[ \t]*\n", re.MULTILINE)
    return [read_part(piece) for piece in line.split(message.body, maxsplit=_MAX_PARTS)[1:]]


def fields(block: str) -> dict[str, str]:
    """Unfolded values, by name in lower case. If a name is repeated, the first value counts."""
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(block[:_MAX_HEADERS]):
        found.setdefault(name.lower(), " ".join(value.split()))
    return found


def _decoded(body: bytes, encoding: str) -> bytes:
    """Some servers encode the parts of a report, although RFC 3464 requires 7bit."""
    match encoding.strip().lower():
        case "quoted-printable":
            return quopri.decodestring(body)
        case "base64":
            letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            whole = letters[:-1] if len(letters) % 4 == 1 else letters  # cut off at MAX_SIZE
            return b64decode(whole + b"=" * (-len(whole) % 4))
    return body


def _with_plain_line_ends(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
