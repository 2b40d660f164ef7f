"""The transactional outbox: mail is queued with the deed that causes it, sent by the worker.

A worker takes a mail by moving its ``due_at`` on by a lease; whoever else looks
finds it not due. A worker that dies lets the lease run out, and the mail is due
again. Nothing else is locked, and nothing has to be cleaned up.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from invites import db
from invites.models import (
    Batch,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailProof,
    Invitation,
    MailQueue,
)

LEASE = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1: at least four to five days
_TRIED_AT_LEAST = 5  # mail that waited a week for a mail server is old before its first attempt
HEARTBEAT = timedelta(seconds=30)

# Somebody waits for a password reset; nobody waits for the last of 50,000 invitations.
_PERSONAL, _SINGLE, _BULK = 0, 10, 20

_IN_HAND = (DeliveryState.QUEUED, DeliveryState.SENDING)


class Result(StrEnum):
    """What became of one attempt."""

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Outcome:
    """The result of one attempt, and the mail server's words for it."""

    result: Result
    code: int | None = None
    text: str = ""


def queue_proof(proof: EmailProof, kind: DeliveryKind, now: datetime) -> Delivery:
    """Queue the mail that carries ``proof``'s link to its address."""
    return Delivery.create(
        kind=kind,
        recipient=proof.email,
        proof=proof,
        priority=_PERSONAL,
        due_at=now,
        created_at=now,
    )


def queue_invitation(invitation: Invitation, now: datetime) -> Delivery:
    """Queue one more mail for ``invitation``."""
    return Delivery.create(
        kind=DeliveryKind.INVITATION,
        recipient=invitation.email,
        account=invitation.account_id,
        batch=invitation.batch_id,
        invitation=invitation,
        priority=_SINGLE,
        due_at=now,
        created_at=now,
    )


def queue_batch(batch: Batch, now: datetime) -> None:
    """Queue the first mail of every invitation of ``batch``, in one statement."""
    columns = [
        Delivery.kind,
        Delivery.recipient,
        Delivery.account,
        Delivery.batch,
        Delivery.invitation,
        Delivery.state,
        Delivery.priority,
        Delivery.attempts,
        Delivery.due_at,
        Delivery.created_at,
        Delivery.reply_text,
    ]
    moment = Delivery.due_at.db_value(now)
    constants = (DeliveryState.QUEUED.value, _BULK, 0, moment, moment, "")
    rows = (
        Invitation.select(
            db.constant(DeliveryKind.INVITATION.value),
            Invitation.email,
            Invitation.account,
            Invitation.batch,
            Invitation.id,
            *(db.constant(value) for value in constants),
        )
        .where(Invitation.batch == batch)
        .order_by(Invitation.id)
    )
    Delivery.insert_from(rows, columns).execute()


def was_withdrawn(invitation: Invitation) -> bool:
    """Whether the newest mail for ``invitation`` was kept from going out."""
    newest = (
        Delivery.select()
        .where(Delivery.invitation == invitation)
        .order_by(Delivery.id.desc())
        .first()
    )
    return newest is not None and newest.state == DeliveryState.WITHDRAWN


def claim(now: datetime, limit: int) -> list[Delivery]:
    """Take up to ``limit`` mails that are due, the most urgent first."""
    with db.transaction():
        due = list(
            Delivery.select()
            .where(Delivery.state.in_(_IN_HAND), Delivery.due_at <= now)
            .order_by(Delivery.priority, Delivery.due_at, Delivery.id)
            .limit(limit)
        )
        if due:
            Delivery.update(due_at=now + LEASE).where(
                Delivery.id.in_([d.id for d in due])
            ).execute()
        for delivery in due:
            delivery.due_at = now + LEASE
    return due


def start(delivery: Delivery, now: datetime) -> bool:
    """Mark ``delivery`` as being handed over, just before it is.

    False when it isn't ours to send any more: cancelled, or taken over by
    another worker after our lease ran out.
    """
    ours = (Delivery.id == delivery.id) & Delivery.state.in_(_IN_HAND)
    changed = (
        Delivery.update(
            state=DeliveryState.SENDING, attempts=Delivery.attempts + 1, due_at=now + LEASE
        )
        .where(ours, Delivery.attempts == delivery.attempts)
        .execute()
    )
    delivery.attempts += 1
    return bool(changed == 1)


def finish(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Record what became of the attempt; what another worker finished meanwhile stays so."""
    text = outcome.text[:500]
    young = now - delivery.created_at < GIVE_UP_AFTER or delivery.attempts < _TRIED_AT_LEAST
    if outcome.result is Result.RETRY and young:
        changes = {
            Delivery.state: DeliveryState.QUEUED,
            Delivery.due_at: now + _pause_before(delivery.attempts + 1),
        }
    else:
        final = {
            Result.SENT: DeliveryState.SENT,
            Result.WITHDRAWN: DeliveryState.WITHDRAWN,
        }.get(outcome.result, DeliveryState.FAILED)
        changes = {Delivery.state: final, Delivery.finished_at: now}
    changes |= {Delivery.reply_code: outcome.code, Delivery.reply_text: text}
    Delivery.update(changes).where(
        Delivery.id == delivery.id,
        Delivery.attempts == delivery.attempts,
        Delivery.state.in_(_IN_HAND),
    ).execute()


def give_back(deliveries: Sequence[Delivery], now: datetime) -> None:
    """Put mails back that were taken and not attempted, unless somebody else has them now."""
    for delivery in deliveries:
        Delivery.update(due_at=now).where(
            Delivery.id == delivery.id,
            Delivery.due_at == delivery.due_at,
            Delivery.attempts == delivery.attempts,
            Delivery.state.in_(_IN_HAND),
        ).execute()


def beat(now: datetime, trouble: str = "") -> None:
    """Tell that the worker lives, and what keeps it from sending, if anything."""
    fresh = {"seen_at": now, "trouble": trouble[:500]}
    if not MailQueue.update(fresh).where(MailQueue.id == 1).execute():
        MailQueue.insert(id=1, **fresh).on_conflict_ignore().execute()


def worker_seen(now: datetime) -> bool:
    """Whether a worker gave a sign of life lately."""
    queue = MailQueue.get_or_none(MailQueue.id == 1)
    return queue is not None and now - queue.seen_at < 3 * HEARTBEAT


def trouble() -> str:
    """What keeps the worker from sending, in the mail server's words; empty when nothing does."""
    queue = MailQueue.get_or_none(MailQueue.id == 1)
    return queue.trouble if queue is not None else ""


def _pause_before(attempt: int) -> timedelta:
    """One minute, doubling to four hours, with a quarter of jitter so that retries spread."""
    minutes = min(2.0 ** (attempt - 2), 240.0)
    return timedelta(minutes=minutes * random.uniform(0.875, 1.125))  # noqa: S311  # spreads load
