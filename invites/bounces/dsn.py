"""What a mail server sends back: reads a delivery report (RFC 3464), and two older kinds.

Anybody may send anything, so only the beginning of a message is looked at, and
no tree of parts is built: those of a report stand side by side (RFC 6522), or one
level further down when a gateway signed it or put a footer under it.
"""

import quopri
import re
from base64 import b64decode
from dataclasses import dataclass
from enum import StrEnum

from invites.core.message_ids import read_origin

READ_AT_MOST = 1024 * 1024  # the status and the returned headers come before the returned text
_HEADERS_AT_MOST = 64 * 1024
_PARTS_AT_MOST = 10
_RECIPIENTS_AT_MOST = 50
_SAID_AT_MOST = 5_000  # characters about one of them
_WORDS_AT_MOST = 500  # characters, as the column of Delivery holds

_STATUS = {"message/delivery-status", "message/global-delivery-status"}
_RETURNED = {
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/global-headers",
}

_BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
_FIELD = re.compile(r"^([!-9;-~]{1,80}):(.*(?:\n[ \t].*)*)", re.MULTILINE)
_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)

# A reply of RFC 5321, 4.2: first of all, after a colon, or with a status of RFC 3463 behind it.
# Other numbers are minutes, or of addresses.
_REPLY = re.compile(r"(?:\A|: |(?<![\d.])(?=\d{3}[ -][245]\.\d))([245]\d\d)[ -]", re.ASCII)

# Where the copy of the mail begins in the bounces of qmail, and of Exim before 4.84.
_COPY = re.compile(r"^-+ (?:Below this line is|This is) a copy of (?:the|your) message.*$", re.M)
_QMAIL = "Hi. This is the"  # by these words a QSBMF bounce is known
_QMAIL_RECIPIENT = re.compile(r"^<([^\s<>]{1,254})>:$", re.MULTILINE)


class Fate(StrEnum):
    """What became of a mail for one recipient. DELAYED: it may still arrive."""

    FAILED = "failed"
    DELAYED = "delayed"
    ARRIVED = "arrived"


@dataclass(frozen=True)
class Finding:
    """What a report says about one recipient, who may be called by two addresses."""

    recipients: frozenset[str]
    fate: Fate
    code: int | None
    text: str


@dataclass(frozen=True)
class Report:
    """Which mail came back, by what its Message-ID holds, and what became of it for whom."""

    origin: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Part:
    """A message or a part of one: its header fields by name in small letters, and its body."""

    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()


def read(raw: bytes) -> Report | None:
    """The report in a message, or None when it is anything else. Never raises."""
    message = _part(raw[:READ_AT_MOST])
    parts = [inner for part in _parts_of(message) for inner in _parts_of(part) or [part]]
    if any(part.kind in _STATUS for part in parts):
        findings = _standard_findings(parts)
        returned = [_part(part.body).headers for part in parts if part.kind in _RETURNED]
    else:
        notice, copy = _cut_at_copy(message)
        findings = _older_findings(message.headers, notice)
        returned = [_fields(copy)]
    if not findings:
        return None
    origin = _origin(returned, message.headers, parts or [message])
    return Report(origin, tuple(findings)) if origin else None


def _part(raw: bytes) -> _Part:
    head, *rest = _BLANK_LINE.split(raw, maxsplit=1)
    headers = _fields(_text(head))
    body = rest[0] if rest else b""
    return _Part(headers, _decoded(body, headers.get("content-transfer-encoding", "")))


def _parts_of(message: _Part) -> list[_Part]:
    """What stands side by side in ``message``; what is inside of that stays text."""
    boundary = _BOUNDARY.search(message.headers.get("content-type", ""))
    if boundary is None or not message.kind.startswith("multipart/"):
        return []
    words = re.escape((boundary[1] or boundary[2]).encode())
    line = re.compile(rb"^--" + words + rb"(?:--)?[ \t]*\r?\n", re.MULTILINE)
    return [_part(piece) for piece in line.split(message.body, maxsplit=_PARTS_AT_MOST)[1:]]


def _decoded(body: bytes, encoding: str) -> bytes:
    """Some servers encode what has to be plain."""
    match encoding.strip().lower():
        case "quoted-printable":
            return quopri.decodestring(body)
        case "base64":
            letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            whole = letters[:-1] if len(letters) % 4 == 1 else letters  # it was cut there
            return b64decode(whole + b"=" * (-len(whole) % 4))
    return body


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\r\n", "\n")


def _fields(block: str) -> dict[str, str]:
    """Header fields, unfolded; of several with one name the first."""
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(block[:_HEADERS_AT_MOST]):
        fields.setdefault(name.lower(), " ".join(value.split()))
    return fields


def _standard_findings(parts: list[_Part]) -> list[Finding]:
    status = next(part for part in parts if part.kind in _STATUS)
    blocks = re.split(r"\n[ \t]*\n", _text(status.body), maxsplit=_RECIPIENTS_AT_MOST)
    return [finding for block in blocks if (finding := _standard_finding(_fields(block)))]


def _standard_finding(fields: dict[str, str]) -> Finding | None:
    """RFC 3464, 2.3: what stands about one recipient."""
    named = (fields.get("final-recipient", ""), fields.get("original-recipient", ""))
    recipients = frozenset(filter(None, (_address(name.rpartition(";")[2]) for name in named)))
    if not recipients:
        return None
    kind, semicolon, words = fields.get("diagnostic-code", "").partition(";")
    said = words if semicolon else kind
    status = fields.get("status", "")
    match fields.get("action", "").split(" ")[0].lower():
        case "failed":
            fate = Fate.FAILED  # with 4.x.x too: then they tried for days
        case "delayed":
            fate = Fate.DELAYED
        case _:
            fate = Fate.ARRIVED
    return _finding(recipients, fate, said or status)


def _older_findings(headers: dict[str, str], notice: str) -> list[Finding]:
    """Of qmail, and of Exim before 4.84; both send them only when they have given up."""
    if notice.lstrip().startswith(_QMAIL):
        named = _QMAIL_RECIPIENT.findall(notice)
    else:
        named = headers.get("x-failed-recipients", "").split(",")
    recipients = [address for name in named[:_RECIPIENTS_AT_MOST] if (address := _address(name))]
    return [_older_finding(recipient, notice) for recipient in recipients]


def _older_finding(recipient: str, notice: str) -> Finding:
    """The words about a recipient stand below the address, up to an empty line."""
    start = notice.lower().find(recipient)
    paragraph = notice[start : start + _SAID_AT_MOST].split("\n\n", 1)[0] if start >= 0 else ""
    said = " ".join(paragraph.split("\n")[1:])
    return _finding(frozenset({recipient}), Fate.FAILED, said)


def _cut_at_copy(message: _Part) -> tuple[str, str]:
    """The notice, and the mail that it is about."""
    text = _text(message.body)
    line = _COPY.search(text)
    return (text[: line.start()], text[line.end() :].lstrip()) if line else ("", "")


def _finding(recipients: frozenset[str], fate: Fate, said: str) -> Finding:
    """``said``: the mail server's own words, for people, without what only looks like them."""
    printable = (letter if letter.isprintable() else " " for letter in said[:_SAID_AT_MOST])
    plain = " ".join("".join(printable).split())
    reply = _REPLY.search(plain)
    if reply is None:
        return Finding(recipients, fate, None, plain[:_WORDS_AT_MOST])
    again = rf"\b{reply[1]}(-| (?=[245]\.\d))"  # it begins each line of a long reply
    words = " ".join(re.sub(again, " ", plain[reply.end() :]).split())
    return Finding(recipients, fate, int(reply[1]), words[:_WORDS_AT_MOST])


def _address(text: str) -> str:
    """An address as our tables have it, small, without brackets; empty when it is none."""
    address = text.strip().strip("<>").lower()
    return address if "@" in address else ""


def _origin(returned: list[dict[str, str]], headers: dict[str, str], parts: list[_Part]) -> str:
    """Which mail it is about: as the returned headers say, else what it answers to or quotes.

    A relay that puts a Message-ID of its own keeps ours in another field, like
    X-Microsoft-Original-Message-ID. Exchange may quote the headers instead of returning them.
    """
    ids = [value for fields in returned for name, value in fields.items() if _names_mail(name)]
    answered = [headers.get(name, "") for name in ("in-reply-to", "references")]
    quoted = [_text(part.body) for part in parts]
    places = [*ids, *answered, *quoted]
    return next(filter(None, map(read_origin, places)), "")


def _names_mail(field: str) -> bool:
    return field.endswith("message-id")
