"""Reads bounces: messages that report what became of another message.

The parts of a report are at the top level (RFC 6522), or one level deeper if a gateway signed the
report or added a footer.
"""

import re

from invites.bounces import dsn, text_reports
from invites.bounces.message_parts import Part, inner_parts, read_part
from invites.bounces.report import RecipientReport, Report
from invites.core.message_ids import read_origin

_MAX_NOTICE = 20_000  # characters

_FIELD_LINE = re.compile(r"[!-9;-~]+:|[ \t]")  # or the continuation of a field
_STATUS = {"message/delivery-status", "message/global-delivery-status"}
_RETURNED = {
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/global-headers",
}


def read(raw: bytes) -> Report | None:
    """Returns None unless this reports on a message that may be ours. Never raises."""
    message = read_part(raw)
    parts = [inner for part in inner_parts(message) for inner in inner_parts(part) or [part]]
    parts = parts or [message]
    origin = _origin(message, parts)
    recipients = _recipients(message, parts, origin) if origin else []
    return Report(origin, tuple(recipients)) if recipients else None


def _recipients(message: Part, parts: list[Part], origin: str) -> list[RecipientReport]:
    texts = "\n\n".join(
        part.text for part in parts if part.kind.startswith(("text/", "multipart/"))
    )
    notice = _before_copy(texts, origin)[:_MAX_NOTICE]
    status = next((part.text for part in parts if part.kind in _STATUS), "")
    if found := dsn.recipients(status, notice):
        return found
    if not text_reports.is_from_mail_system(message.headers):
        return []
    return dsn.recipients(notice, "") or text_reports.recipients(message.headers, notice)


def _before_copy(text: str, origin: str) -> str:
    """The text up to the header fields of the message that bounced."""
    at = text.rfind(origin)
    lines = [line.rstrip() for line in text[: at if at >= 0 else None].split("\n")]
    if at >= 0:
        lines.pop()
        while lines and _FIELD_LINE.match(lines[-1]):
            lines.pop()
    return "\n".join(lines)


def _origin(message: Part, parts: list[Part]) -> str:
    """Finds the token in the Message-ID of the message that the report is about.

    Looks in three places: the returned headers, In-Reply-To and References, and the report's text,
    where Exchange may quote the headers. A relay that replaces the Message-ID keeps ours in
    another field, such as X-Microsoft-Original-Message-ID.
    """
    returned = [read_part(part.body) for part in parts if part.kind in _RETURNED]
    ids = [
        value
        for part in [*returned, *parts]  # a part may be the message, whatever its type
        if part is not message
        for name, value in part.headers.items()
        if name.endswith("message-id")
    ]
    answered = [message.headers.get(name, "") for name in ("in-reply-to", "references")]
    places = [*ids, *answered, *(part.text for part in parts)]
    return next(filter(None, map(read_origin, places)), "")
