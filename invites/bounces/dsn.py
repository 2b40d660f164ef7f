"""Parses the machine-readable part of delivery status notifications (RFC 3464)."""

import re

from invites.bounces import text_reports
from invites.bounces.message_parts import fields
from invites.bounces.report import (
    MAX_RECIPIENTS,
    DsnAction,
    RecipientReport,
    address,
    recipient_report,
)

_ACTIONS = {
    "failed": DsnAction.FAILED,  # even with status 4.x.x: the server has given up
    "delayed": DsnAction.DELAYED,
    "delivered": DsnAction.DELIVERED,
    "relayed": DsnAction.DELIVERED,
    "expanded": DsnAction.DELIVERED,
}
_STATUS_CLASSES = {"5": DsnAction.FAILED, "4": DsnAction.DELAYED}  # RFC 3463, 2


def recipients(status: str, notice: str) -> list[RecipientReport]:
    """``notice``: the human-readable part, which may give a reason that ``status`` lacks."""
    blocks = re.split(r"\n[ \t]*\n", status, maxsplit=MAX_RECIPIENTS)
    return [found for block in blocks if (found := _recipient(fields(block), notice))]


def _recipient(block: dict[str, str], notice: str) -> RecipientReport | None:
    """See RFC 3464, 2.3."""
    named = (block.get("final-recipient", ""), block.get("original-recipient", ""))
    addresses = frozenset(filter(None, (address(name.rpartition(";")[2]) for name in named)))
    if not addresses or "disposition" in block:  # a read receipt (RFC 8098)
        return None
    status = block.get("status", "")
    kind, semicolon, text = block.get("diagnostic-code", "").partition(";")
    diagnostic = (text if semicolon else kind) or text_reports.reason(notice, addresses) or status
    return recipient_report(addresses, _action(block.get("action", ""), status), diagnostic)


def _action(action: str, status: str) -> DsnAction:
    word = re.match(r"[a-z]*", action.lower())
    known = _ACTIONS.get(word[0] if word else "")
    return known or _STATUS_CLASSES.get(status[:1], DsnAction.UNCLEAR)
