"""The transactional outbox: mail is queued with the deed that causes it, sent by the worker."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum

from peewee import Value

from invites import db
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailToken,
    Invitation,
    SecurityNotice,
    WorkerStatus,
)

HEARTBEAT = timedelta(seconds=30)
BIG = 50  # people in a batch, from which its first mails show whether the rest should go

# The words of mail that a restore withdrew, by which it is known.
ON_HOLD = "It waited in a backup that was restored, and may have gone out before that."

IN_HAND = (DeliveryState.QUEUED, DeliveryState.SENDING)

# For what looks through the mails of everybody: so SQLite sees that there is an index of these.
IS_QUEUED = Delivery.state == db.literal(DeliveryState.QUEUED.value)
IS_SENDING = Delivery.state == db.literal(DeliveryState.SENDING.value)


class Priority(IntEnum):
    """Somebody waits for a password reset; nobody waits for the last of 50,000 invitations."""

    PERSONAL = 0
    SINGLE = 10
    BULK = 20


def queue_email_token(email_token: EmailToken, kind: DeliveryKind, now: datetime) -> Delivery:
    """Queue the mail that carries ``email_token``'s link to its address."""
    return Delivery.create(
        kind=kind,
        recipient=email_token.email,
        email_token=email_token,
        priority=Priority.PERSONAL,
        due_at=now,
        created_at=now,
    )


def queue_notice(notice: SecurityNotice, recipient: str, now: datetime) -> Delivery:
    """Queue the mail that tells of ``notice``."""
    return Delivery.create(
        kind=DeliveryKind.SECURITY_NOTICE,
        recipient=recipient,
        security_notice=notice,
        priority=Priority.PERSONAL,
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
        priority=Priority.SINGLE,
        due_at=now,
        created_at=now,
    )


def queue_batch(batch: Batch, now: datetime, again: Sequence[int] = ()) -> None:
    """Queue the first mail of every invitation of ``batch``, and one more of those in ``again``."""
    columns = [
        Delivery.kind,
        Delivery.recipient,
        Delivery.account,
        Delivery.batch,
        Delivery.invitation,
        Delivery.state,
        Delivery.priority,
        Delivery.attempts,
        Delivery.unknown_outcomes,
        Delivery.due_at,
        Delivery.created_at,
        Delivery.reply_text,
    ]
    moment = Delivery.due_at.db_value(now)
    constants = (DeliveryState.QUEUED.value, int(Priority.BULK), 0, 0, moment, moment, "")
    mails = 0
    for which in (Invitation.batch == batch, db.among(Invitation.id, again)):
        invitations = Invitation.select(
            Value(DeliveryKind.INVITATION.value),
            Invitation.email,
            Invitation.account,
            Value(batch.id),
            Invitation.id,
            *(Value(value) for value in constants),
        ).where(which)
        Delivery.insert_from(invitations.order_by(Invitation.id), columns).execute()
        mails += invitations.count()
    is_big = mails >= BIG
    batch.state = BatchState.PROBING if is_big else BatchState.RUNNING
    batch.save(only=[Batch.state])


def was_withdrawn(invitation: Invitation) -> bool:
    """Whether the newest mail for ``invitation`` was kept from going out."""
    newest = (
        Delivery.select()
        .where(Delivery.invitation == invitation)
        .order_by(Delivery.id.desc())
        .first()
    )
    return newest is not None and newest.state == DeliveryState.WITHDRAWN


def beat(now: datetime, trouble: str = "") -> None:
    """Tell that the worker lives, and what keeps it from sending, if anything."""
    fresh = {"seen_at": now, "outage": trouble[:500]}
    if not WorkerStatus.update(fresh).where(WorkerStatus.id == 1).execute():
        WorkerStatus.insert(id=1, **fresh).on_conflict_ignore().execute()


def rest() -> None:
    """Tell that the worker ended by being told to: from now on none lives."""
    db.delete(WorkerStatus).where(WorkerStatus.id == 1).execute()


def worker_seen(now: datetime) -> bool:
    """Whether a worker gave a sign of life lately."""
    queue = WorkerStatus.get_or_none(WorkerStatus.id == 1)
    return queue is not None and now - queue.seen_at < 3 * HEARTBEAT


def trouble() -> str:
    """What keeps the worker from sending, in the mail server's words; empty when nothing does."""
    queue = WorkerStatus.get_or_none(WorkerStatus.id == 1)
    return queue.outage if queue is not None else ""
