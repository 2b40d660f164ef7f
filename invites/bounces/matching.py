"""Matches delivery reports to deliveries. docs/mail.md says which reports are trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import fn

from invites import db
from invites.bounces import reading
from invites.bounces.report import MAX_TEXT, DsnAction, RecipientReport, Report
from invites.core.addresses import spellings
from invites.core.tokens import Purpose, Signer, row_id
from invites.models import Account, Delivery, DeliveryState, Invitation

_FORWARDED = "The address it was forwarded to refused it."

_IS_SENT = Delivery.state.in_((DeliveryState.SENT, DeliveryState.UNKNOWN))

# Queued for a retry, because the server's reply was lost. The first attempt may have bounced.
_MAY_BE_SENT = (Delivery.state == DeliveryState.QUEUED) & (Delivery.unknown_outcomes > 0)


class ReportOutcome(StrEnum):
    """What was done with one message in the mailbox for bounces."""

    BOUNCED = "bounced"
    DELAYED = "delayed"
    IGNORED = "ignored"
    NOT_UNDERSTOOD = "not understood"
    TOO_EARLY = "too early"


@dataclass(frozen=True)
class ReportResult:
    """``delivery``: what the report is about; None if it isn't one of ours."""

    outcome: ReportOutcome
    reason: str
    delivery: Delivery | None = None


def process(raw: bytes, signer: Signer, now: datetime) -> ReportResult:
    report = reading.read(raw)
    if report is None:
        return ReportResult(ReportOutcome.IGNORED, "not a report about an email from Invites")
    return record(report, signer, now)


def record(report: Report, signer: Signer, now: datetime) -> ReportResult:
    """Marks the delivery as bounced if the report says that it failed.

    TOO_EARLY: the worker hasn't recorded yet that the mail server accepted the message. Try again
    later.
    """
    delivery = _delivery(report, signer)
    if delivery is None:
        return ReportResult(ReportOutcome.IGNORED, "no email from Invites has its Message-ID")
    mailbox = set(spellings([delivery.recipient]))
    own = [each for each in report.recipients if mailbox & each.recipients]
    about = own or report.recipients  # otherwise, the recipient forwards mail to these
    actions = {each.action for each in about}
    if actions == {DsnAction.FAILED}:
        return _mark_bounced(delivery, about[0] if own else _forwarded(about[0]), now)
    if DsnAction.DELAYED in actions:
        return ReportResult(ReportOutcome.DELAYED, "it may still arrive", delivery)
    if DsnAction.UNCLEAR in actions:
        unclear = "its action and status are unknown"
        return ReportResult(ReportOutcome.NOT_UNDERSTOOD, unclear, delivery)
    return ReportResult(ReportOutcome.IGNORED, "it says that the email was delivered", delivery)


def bounced_addresses(account: Account, emails: Sequence[str]) -> set[str]:
    """Those of ``emails`` whose newest message from this account bounced."""
    is_bounced = Delivery.state == db.literal(DeliveryState.BOUNCED.value)
    bounced = _newest(account, db.lookup(emails, Delivery.recipient), is_bounced)
    if not bounced:
        return set()
    by_address = db.lookup(list(bounced), Invitation.email)
    mails = by_address.join(Delivery, on=(Delivery.invitation == Invitation.id))
    sent = _newest(account, mails, Delivery.state == DeliveryState.SENT)
    return {email for email, newest in bounced.items() if newest > sent.get(email, 0)}


def _newest(account: Account, source: Any, condition: object) -> dict[str, int]:
    """The id of the newest delivery, by recipient."""
    own = db.unindexed(Delivery.account) == account.id
    return dict(sorted(db.read(source, [Delivery.recipient, Delivery.id], condition, own)))


def _delivery(report: Report, signer: Signer) -> Delivery | None:
    """None unless the report contains a Message-ID that we signed."""
    token = report.origin
    delivery: Delivery | None = Delivery.get_or_none(Delivery.id == row_id(token))
    if delivery and signer.matches(token, Purpose.MESSAGE_ID, delivery):
        return delivery
    return None


def _forwarded(report: RecipientReport) -> RecipientReport:
    """``report`` names another address than the delivery's, or none."""
    if not report.recipients:
        return report
    return replace(report, text=f"{_FORWARDED} {report.text}"[:MAX_TEXT].strip())


def _mark_bounced(delivery: Delivery, report: RecipientReport, now: datetime) -> ReportResult:
    changed = (
        Delivery.update(
            state=DeliveryState.BOUNCED,
            reply_code=report.code,
            reply_text=report.text,
            finished_at=fn.COALESCE(Delivery.finished_at, Delivery.finished_at.db_value(now)),
        )
        .where(Delivery.id == delivery.id, _IS_SENT | _MAY_BE_SENT)
        .execute()
    )
    if changed:
        return ReportResult(ReportOutcome.BOUNCED, "delivery failed", delivery)
    if delivery.state == DeliveryState.SENDING:
        return ReportResult(ReportOutcome.TOO_EARLY, "that email is still being sent", delivery)
    if delivery.state == DeliveryState.BOUNCED:
        return ReportResult(
            ReportOutcome.IGNORED, "that email is already marked as bounced", delivery
        )
    return ReportResult(ReportOutcome.IGNORED, "that email isn't known to have been sent", delivery)
