"""Mail that came back after the mail server had taken it; docs/bounces.md says what is believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import fn

from invites import db
from invites.bounces import dsn
from invites.bounces.dsn import Fate, Finding, Report
from invites.core.tokens import Purpose, Signer, row_id
from invites.models import Account, Delivery, DeliveryState, Invitation

_HANDED_OVER = Delivery.state.in_((DeliveryState.SENT, DeliveryState.UNKNOWN))

# It waits for its second try, as the answer to the first was lost; the report is that answer.
_TAKEN_UNHEARD = (Delivery.state == DeliveryState.QUEUED) & (Delivery.unknown_outcomes > 0)


class Outcome(StrEnum):
    """What was done about one message."""

    BOUNCED = "bounced"
    DELAYED = "delayed"
    LEFT_ALONE = "left alone"
    TOO_EARLY = "too early"


@dataclass(frozen=True)
class Verdict:
    """What was done about one message and why; ``delivery``, once it is known to be about one."""

    outcome: Outcome
    why: str
    delivery: Delivery | None = None


def take_in(raw: bytes, signer: Signer, now: datetime) -> Verdict:
    """Read one message of the mailbox for bounces, and record what it reports."""
    report = dsn.read(raw)
    if report is None:
        return Verdict(Outcome.LEFT_ALONE, "no report that returns a Message-ID like ours")
    return record(report, signer, now)


def record(report: Report, signer: Signer, now: datetime) -> Verdict:
    """Mark the delivery that ``report`` is about, if it won't arrive at its recipient any more.

    TOO_EARLY: the worker hasn't noted yet that the mail server took this mail. Ask again.
    """
    delivery = _delivery(report, signer)
    if delivery is None:
        return Verdict(Outcome.LEFT_ALONE, "its Message-ID is that of no mail here")
    about = [each for each in report.findings if delivery.recipient in each.recipients]
    fates = {each.fate for each in about}
    if fates == {Fate.FAILED}:
        return _mark(delivery, about[0], now)
    if Fate.DELAYED in fates:
        return Verdict(Outcome.DELAYED, "it may still arrive", delivery)
    if fates:
        return Verdict(Outcome.LEFT_ALONE, "it says that the mail arrived", delivery)
    return Verdict(Outcome.LEFT_ALONE, "it names nobody to whom that mail went")


def has_bounced(account: Account, emails: Sequence[str]) -> set[str]:
    """Those of ``emails`` whose newest mail from this account came back.

    A later one that was taken clears them.
    """
    came_back = Delivery.state == db.literal(DeliveryState.BOUNCED.value)
    bounced = _newest(account, db.lookup(emails, Delivery.recipient), came_back)
    if not bounced:
        return set()
    by_address = db.lookup(list(bounced), Invitation.email)
    mails = by_address.join(Delivery, on=(Delivery.invitation == Invitation.id))
    taken = _newest(account, mails, Delivery.state == DeliveryState.SENT)
    return {email for email, newest in bounced.items() if newest > taken.get(email, 0)}


def _newest(account: Account, source: Any, condition: object) -> dict[str, int]:
    """The id of each recipient's newest mail."""
    own = db.unindexed(Delivery.account) == account.id
    return dict(sorted(db.read(source, [Delivery.recipient, Delivery.id], condition, own)))


def _delivery(report: Report, signer: Signer) -> Delivery | None:
    """The row, when the Message-ID is the one that its mail was given."""
    token = report.origin
    delivery: Delivery | None = Delivery.get_or_none(Delivery.id == row_id(token))
    if delivery and signer.matches(token, Purpose.MESSAGE_ID, delivery):
        return delivery
    return None


def _mark(delivery: Delivery, found: Finding, now: datetime) -> Verdict:
    changed = (
        Delivery.update(
            state=DeliveryState.BOUNCED,
            reply_code=found.code,
            reply_text=found.text,
            finished_at=fn.COALESCE(Delivery.finished_at, Delivery.finished_at.db_value(now)),
        )
        .where(Delivery.id == delivery.id, _HANDED_OVER | _TAKEN_UNHEARD)
        .execute()
    )
    if changed:
        return Verdict(Outcome.BOUNCED, "it failed for good", delivery)
    if delivery.state == DeliveryState.SENDING:
        return Verdict(Outcome.TOO_EARLY, "that mail is still on its way out", delivery)
    if delivery.state == DeliveryState.BOUNCED:
        return Verdict(Outcome.LEFT_ALONE, "that mail is marked already", delivery)
    return Verdict(Outcome.LEFT_ALONE, "no mail server is known to have taken that mail", delivery)
