"""A parsed delivery report: which message it is about, and what happened to each recipient."""

import re
from dataclasses import dataclass
from enum import StrEnum

from invites.core.addresses import canonical
from invites.core.errors import RuleError

MAX_RECIPIENTS = 50
_MAX_DIAGNOSTIC = 5_000  # characters examined of one recipient's diagnostic
MAX_TEXT = 500  # characters; the length of Delivery.reply_text

# A reply code (RFC 5321, 4.2): at the beginning, after a colon, or before an enhanced
# status code (RFC 3463). Numbers elsewhere are durations, or parts of addresses.
_REPLY = re.compile(r"(?:\A|: |(?<![\d.])(?=\d{3}[ -][245]\.\d))([245]\d\d)[ -]", re.ASCII)


class DsnAction(StrEnum):
    """What a report says about one recipient (RFC 3464, 2.3.3).

    DELAYED: the message may still arrive. DELIVERED includes relayed and expanded.
    UNCLEAR: neither the action nor the status is in the standard.
    """

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class RecipientReport:
    """``recipients``: the final and the original address of one recipient, if named."""

    recipients: frozenset[str]
    action: DsnAction
    code: int | None
    text: str


@dataclass(frozen=True)
class Report:
    """``origin``: the token in the Message-ID of the message that the report is about."""

    origin: str
    recipients: tuple[RecipientReport, ...]


def recipient_report(
    recipients: frozenset[str], action: DsnAction, diagnostic: str
) -> RecipientReport:
    printable = (letter if letter.isprintable() else " " for letter in diagnostic[:_MAX_DIAGNOSTIC])
    plain = " ".join("".join(printable).split())
    reply = _REPLY.search(plain)
    if reply is None:
        return RecipientReport(recipients, action, None, plain[:MAX_TEXT])
    again = rf"\b{reply[1]}(-| (?=[245]\.\d))"  # each line of a multiline reply begins with it
    text = " ".join(re.sub(again, " ", plain[reply.end() :]).split())
    return RecipientReport(recipients, action, int(reply[1]), text[:MAX_TEXT])


def address(text: str) -> str:
    """The canonical form, without angle brackets; "" if there is no @.

    An address without a canonical form is returned in lower case.
    """
    plain = text.strip().strip("<>")
    try:
        return canonical(plain)
    except RuleError:
        return plain.lower() if "@" in plain else ""  # such as root@localhost
