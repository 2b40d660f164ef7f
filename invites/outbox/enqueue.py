"""Queues mail in the transaction that causes it: the transactional outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import Value

from invites import db
from invites.models import (
    Batch,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailToken,
    Invitation,
    Priority,
    SecurityNotice,
)
from invites.outbox import batches


def queue_email_token(email_token: EmailToken, kind: DeliveryKind, now: datetime) -> Delivery:
    return _queue(kind, email_token.email, Priority.PERSONAL, now, email_token=email_token)


def queue_notice(notice: SecurityNotice, recipient: str, now: datetime) -> Delivery:
    kind = DeliveryKind.SECURITY_NOTICE
    return _queue(kind, recipient, Priority.PERSONAL, now, security_notice=notice)


def queue_invitation(invitation: Invitation, now: datetime) -> Delivery:
    """It is sent before all batches."""
    return _queue(
        DeliveryKind.INVITATION,
        invitation.email,
        Priority.SINGLE,
        now,
        invitation=invitation,
        account=invitation.account_id,
        batch=invitation.batch_id,
    )


def _queue(
    kind: DeliveryKind, recipient: str, priority: Priority, now: datetime, **cause: Any
) -> Delivery:
    return Delivery.create(
        kind=kind, recipient=recipient, priority=priority, due_at=now, created_at=now, **cause
    )


def queue_batch(batch: Batch, now: datetime, again: Sequence[int] = ()) -> None:
    """Queues a mail for each invitation of ``batch``, and for those with ids ``again``."""
    moment = Value(Delivery.due_at.db_value(now))
    values = {
        Delivery.kind: Value(DeliveryKind.INVITATION.value),
        Delivery.recipient: Invitation.email,
        Delivery.account: Invitation.account,
        Delivery.batch: Value(batch.id),
        Delivery.invitation: Invitation.id,
        Delivery.state: Value(DeliveryState.QUEUED.value),
        Delivery.priority: Value(int(Priority.BULK)),
        Delivery.attempts: Value(0),
        Delivery.unknown_outcomes: Value(0),
        Delivery.due_at: moment,
        Delivery.created_at: moment,
        Delivery.reply_text: Value(""),
    }
    mails = 0
    for which in (Invitation.batch == batch, db.among(Invitation.id, again)):
        invitations = Invitation.select(*values.values()).where(which).order_by(Invitation.id)
        mails += Delivery.insert_from(invitations, list(values)).as_rowcount().execute()
    batches.start(batch, mails)
