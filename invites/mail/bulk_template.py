"""Templates for bulk mail: a message is built once, and filled in as bytes for each person.

The standard library takes milliseconds to build a message. Filling in a template takes
microseconds.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email import quoprimime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import NamedTuple

from markupsafe import escape

LINK = "\ue000"
"""Placeholder for the person's own link."""
UNSUBSCRIBE = "\ue001"
"""Placeholder for the person's own link to unsubscribe."""
NAME = "\ue002"
"""Placeholder for the person's name, which may be empty."""

_SEVEN_BIT = SMTP.clone(cte_type="7bit")
# When the email package folds a long From, it removes the quotes around a name with a comma, so one
# sender becomes several. So such a From isn't folded: a line may be 998 characters long (RFC 5322),
# and no name is that long. Names that aren't ASCII become encoded words, which it folds correctly.
_MAX_FOLDED_SENDER = 70  # characters that fit on the line of From
_UNFOLDED = _SEVEN_BIT.clone(max_line_length=998)

_GAPS = re.compile(f"([{LINK}{UNSUBSCRIBE}{NAME}])")
_PLAIN = re.compile(r"[!-<>-~]+")  # unchanged in quoted-printable (RFC 2045, 6.7)
_HEADER = re.compile(r"[!-~]+( [!-~]+)*")
_SIMPLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 .-]{0,72}")  # unchanged in HTML too
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_JOINERS = re.compile("[\u200c\u200d]")  # in Persian and Indic names, see core.text_fields
_LINE = 75  # characters of a line of quoted-printable, without its soft break


class UnsafeMailError(ValueError):
    """A text would break out of a header."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Texts with LINK, UNSUBSCRIBE and NAME as gaps, and the headers that recipients share."""

    sender: Address
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]


class Addressee(NamedTuple):
    """The values for one message. ``date`` is formatted as in RFC 5322."""

    email: str
    message_id: str
    date: str
    link: str
    unsubscribe: str = ""
    name: str = ""


class BulkTemplate:
    def __init__(self, draft: Draft) -> None:
        """Raises UnsafeMailError for a control character or encoded word in a header."""
        _refuse_unsafe(draft)
        mark = secrets.token_hex(8)
        whole = _message(draft, mark)
        self._pieces = re.split(b"GAP([0-9])%s" % mark.encode(), whole)
        self._gaps = [(place, int(self._pieces[place])) for place in range(1, len(self._pieces), 2)]

    def fill(self, person: Addressee) -> bytes:
        """Returns a message with CRLF line ends, in 7-bit ASCII. No line begins with a dot.

        SMTP can transmit it unchanged (RFC 5321, 4.5.2). Raises UnsafeMailError.
        """
        head = (
            f"To: {person.email}\r\nDate: {person.date}\r\nMessage-ID: {person.message_id}\r\n"
            # A copy, because some services replace the Message-ID.
            f"X-Invites-Message-ID: {person.message_id}\r\n"
        )
        if person.unsubscribe:
            head += f"List-Unsubscribe:\r\n <{person.unsubscribe}>\r\n"
        for value in (person.email, person.message_id, person.date, person.unsubscribe or "-"):
            if not _HEADER.fullmatch(value):
                raise UnsafeMailError(value)
        pieces = self._pieces.copy()
        link, unsubscribe = _in_lines(person.link), _in_lines(person.unsubscribe)
        fillings = (link, unsubscribe, *_name_in_lines(person.name))
        for place, which in self._gaps:
            pieces[place] = fillings[which]
        return head.encode("ascii") + b"".join(pieces)


def _message(draft: Draft, mark: str) -> bytes:
    """A message in which each gap is ``GAP``, a digit and ``mark``."""
    in_text = {LINK: f"GAP0{mark}", UNSUBSCRIBE: f"GAP1{mark}", NAME: f"GAP2{mark}"}
    in_html = in_text | {NAME: f"GAP3{mark}"}
    message = EmailMessage(policy=_SEVEN_BIT)
    message["From"] = draft.sender
    message["Subject"] = draft.subject
    for name, value in draft.headers.items():
        message[name] = value
    message.set_content("", cte="quoted-printable")
    message.add_alternative("", subtype="html", cte="quoted-printable")
    texts = ((draft.text, in_text), (draft.html, in_html))
    for part, (text, marks) in zip(message.iter_parts(), texts, strict=True):
        part.set_payload(_encoded(text, marks))
    sender = str(draft.sender)
    is_too_long = sender.isascii() and len(sender) > _MAX_FOLDED_SENDER
    return message.as_bytes(policy=_UNFOLDED if is_too_long else _SEVEN_BIT)


def _encoded(text: str, marks: Mapping[str, str]) -> str:
    """Quoted-printable, with each gap on a line of its own between soft line breaks."""
    pieces = [
        f"=\n{marks[piece]}=\n" if piece in marks else _quoted_printable(piece)
        for piece in _GAPS.split(text)
    ]
    return "".join(pieces)


def _quoted_printable(text: str) -> str:
    encoded = quoprimime.body_encode(text.encode().decode("latin-1"), _LINE + 1)
    return re.sub(r"(?m)^\.", "=2E", encoded)


def _in_lines(link: str) -> bytes:
    """A link as quoted-printable, in short lines that don't begin with a dot."""
    if link and not _PLAIN.fullmatch(link):
        raise UnsafeMailError(link)
    if len(link) < _LINE - 1 and link[:1] != ".":
        return link.encode("ascii")  # the usual case, and this runs for every message
    lines = [link[start : start + _LINE - 2] for start in range(0, len(link), _LINE - 2)]
    return "=\r\n".join("=2E" + s[1:] if s[0] == "." else s for s in lines).encode("ascii")


def _name_in_lines(name: str) -> tuple[bytes, bytes]:
    """A name as quoted-printable, for the text and for the HTML."""
    if not name or _SIMPLE_NAME.fullmatch(name):
        plain = name.encode("ascii")
        return plain, plain
    if _CONTROL.search(name):
        raise UnsafeMailError(name)
    in_text, in_html = (
        _quoted_printable(text).replace("\n", "\r\n").encode("ascii")
        for text in (name, str(escape(name)))
    )
    return in_text, in_html


def _refuse_unsafe(draft: Draft) -> None:
    """Refuses encoded words (RFC 2047), which the standard library would decode in a header."""
    for value in (draft.subject, str(draft.sender), *draft.headers.values()):
        if "=?" in value or not _JOINERS.sub("", value).isprintable():
            raise UnsafeMailError(value)
