"""Reads delivery status notifications (RFC 3464), and the bounces of qmail and old Exim.

Messages are untrusted, so only the beginning is read, and no tree of parts is built. The parts of a
report are siblings (RFC 6522), or one level deeper if a gateway signed the report or added a
footer.
"""

import quopri
import re
from base64 import b64decode
from dataclasses import dataclass
from enum import StrEnum

from invites.core.message_ids import read_origin

MAX_SIZE = 1024 * 1024  # bytes; the text of the returned message comes last and isn't needed
_MAX_HEADERS = 64 * 1024  # characters
_MAX_PARTS = 10
_MAX_RECIPIENTS = 50
_MAX_DIAGNOSTIC = 5_000  # characters about one recipient
_MAX_TEXT = 500  # characters; the length of Delivery.reply_text

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

# A reply code (RFC 5321, 4.2): at the beginning, after a colon, or before a status (RFC 3463).
# Numbers elsewhere are durations, or parts of addresses.
_REPLY = re.compile(r"(?:\A|: |(?<![\d.])(?=\d{3}[ -][245]\.\d))([245]\d\d)[ -]", re.ASCII)

# Where the copy of the message begins, in bounces of qmail and of Exim before 4.84.
_COPY = re.compile(r"^-+ (?:Below this line is|This is) a copy of (?:the|your) message.*$", re.M)
_QMAIL = "Hi. This is the"  # the first words of a bounce in the format QSBMF
_QMAIL_RECIPIENT = re.compile(r"^<([^\s<>]{1,254})>:$", re.MULTILINE)


class DsnAction(StrEnum):
    """What a report says about one recipient (RFC 3464, 2.3.3).

    DELAYED: the message may still arrive. DELIVERED includes relayed and expanded.
    """

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class RecipientReport:
    """``recipients``: the final and the original address of one recipient."""

    recipients: frozenset[str]
    action: DsnAction
    code: int | None
    text: str


@dataclass(frozen=True)
class Report:
    """``origin``: the token in the Message-ID of the message that the report is about."""

    origin: str
    recipients: tuple[RecipientReport, ...]


@dataclass(frozen=True)
class _Part:
    """A message or a part of one; its header fields are named in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()


def read(raw: bytes) -> Report | None:
    """Returns None if the message isn't a report. Never raises."""
    message = _part(raw[:MAX_SIZE])
    parts = [inner for part in _parts_of(message) for inner in _parts_of(part) or [part]]
    if any(part.kind in _STATUS for part in parts):
        recipients = _standard_recipients(parts)
        returned = [_part(part.body).headers for part in parts if part.kind in _RETURNED]
    else:
        notice, copy = _cut_at_copy(message)
        recipients = _older_recipients(message.headers, notice)
        returned = [_fields(copy)]
    if not recipients:
        return None
    origin = _origin(returned, message.headers, parts or [message])
    return Report(origin, tuple(recipients)) if origin else None


def _part(raw: bytes) -> _Part:
    head, *rest = _BLANK_LINE.split(raw, maxsplit=1)
    headers = _fields(_text(head))
    body = rest[0] if rest else b""
    return _Part(headers, _decoded(body, headers.get("content-transfer-encoding", "")))


def _parts_of(message: _Part) -> list[_Part]:
    """One level only: their own parts remain text."""
    boundary = _BOUNDARY.search(message.headers.get("content-type", ""))
    if boundary is None or not message.kind.startswith("multipart/"):
        return []
    marker = re.escape((boundary[1] or boundary[2]).encode())
    line = re.compile(rb"^--" + marker + rb"(?:--)?[ \t]*\r?\n", re.MULTILINE)
    return [_part(piece) for piece in line.split(message.body, maxsplit=_MAX_PARTS)[1:]]


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


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\r\n", "\n")


def _fields(block: str) -> dict[str, str]:
    """Unfolded values by lower-case name. If a name is repeated, the first value counts."""
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(block[:_MAX_HEADERS]):
        fields.setdefault(name.lower(), " ".join(value.split()))
    return fields


def _standard_recipients(parts: list[_Part]) -> list[RecipientReport]:
    status = next(part for part in parts if part.kind in _STATUS)
    blocks = re.split(r"\n[ \t]*\n", _text(status.body), maxsplit=_MAX_RECIPIENTS)
    return [found for block in blocks if (found := _standard_recipient(_fields(block)))]


def _standard_recipient(fields: dict[str, str]) -> RecipientReport | None:
    """See RFC 3464, 2.3."""
    named = (fields.get("final-recipient", ""), fields.get("original-recipient", ""))
    recipients = frozenset(filter(None, (_address(name.rpartition(";")[2]) for name in named)))
    if not recipients:
        return None
    kind, semicolon, text = fields.get("diagnostic-code", "").partition(";")
    diagnostic = text if semicolon else kind
    status = fields.get("status", "")
    match fields.get("action", "").split(" ")[0].lower():
        case "failed":
            action = DsnAction.FAILED  # even with a status 4.x.x: the server has given up
        case "delayed":
            action = DsnAction.DELAYED
        case _:
            action = DsnAction.DELIVERED
    return _recipient_report(recipients, action, diagnostic or status)


def _older_recipients(headers: dict[str, str], notice: str) -> list[RecipientReport]:
    """For qmail, and Exim before 4.84. Both send a bounce only when they give up."""
    if notice.lstrip().startswith(_QMAIL):
        named = _QMAIL_RECIPIENT.findall(notice)
    else:
        named = headers.get("x-failed-recipients", "").split(",")
    recipients = [address for name in named[:_MAX_RECIPIENTS] if (address := _address(name))]
    return [_older_recipient(recipient, notice) for recipient in recipients]


def _older_recipient(recipient: str, notice: str) -> RecipientReport:
    """The text about a recipient is below the address, up to an empty line."""
    start = notice.lower().find(recipient)
    paragraph = notice[start : start + _MAX_DIAGNOSTIC].split("\n\n", 1)[0] if start >= 0 else ""
    diagnostic = " ".join(paragraph.split("\n")[1:])
    return _recipient_report(frozenset({recipient}), DsnAction.FAILED, diagnostic)


def _cut_at_copy(message: _Part) -> tuple[str, str]:
    """Returns the notice, and the copy of the message that bounced."""
    text = _text(message.body)
    line = _COPY.search(text)
    return (text[: line.start()], text[line.end() :].lstrip()) if line else ("", "")


def _recipient_report(
    recipients: frozenset[str], action: DsnAction, diagnostic: str
) -> RecipientReport:
    printable = (letter if letter.isprintable() else " " for letter in diagnostic[:_MAX_DIAGNOSTIC])
    plain = " ".join("".join(printable).split())
    reply = _REPLY.search(plain)
    if reply is None:
        return RecipientReport(recipients, action, None, plain[:_MAX_TEXT])
    again = rf"\b{reply[1]}(-| (?=[245]\.\d))"  # each line of a long reply begins with the code
    text = " ".join(re.sub(again, " ", plain[reply.end() :]).split())
    return RecipientReport(recipients, action, int(reply[1]), text[:_MAX_TEXT])


def _address(text: str) -> str:
    """In lower case, without brackets; empty if it isn't an address."""
    address = text.strip().strip("<>").lower()
    return address if "@" in address else ""


def _origin(returned: list[dict[str, str]], headers: dict[str, str], parts: list[_Part]) -> str:
    """Finds the token in the Message-ID of the message that the report is about.

    Looks in three places: the returned headers, In-Reply-To and References, and the report's text,
    where Exchange may quote the headers. A relay that replaces the Message-ID keeps ours in
    another field, such as X-Microsoft-Original-Message-ID.
    """
    ids = [
        value
        for fields in returned
        for name, value in fields.items()
        if name.endswith("message-id")
    ]
    answered = [headers.get(name, "") for name in ("in-reply-to", "references")]
    quoted = [_text(part.body) for part in parts]
    places = [*ids, *answered, *quoted]
    return next(filter(None, map(read_origin, places)), "")
