"""Queues mail again that failed, or that a restore put on hold."""

from datetime import datetime
from typing import Any

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize
from invites.core.errors import Reason, RuleError
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    Membership,
    Priority,
)
from invites.outbox import batches, deliveries


def retry_failed(actor: Membership, batch: Batch, now: datetime) -> int:
    """Queues failed and unknown mails again; returns how many.

    Only the newest mail to each person who can still accept. Raises RuleError(NOTHING_TO_RETRY),
    also for a canceled batch.
    """
    which = retriable(batch, now)
    return _queue_again(actor, batch, which, now, AuditAction.RETRIED, Reason.NOTHING_TO_RETRY)


def send_on_hold(actor: Membership, batch: Batch, now: datetime) -> int:
    """Queues the mails that a restore put on hold; returns how many.

    Raises RuleError(NOTHING_ON_HOLD), also for a canceled batch.
    """
    which = on_hold(batch, now)
    return _queue_again(actor, batch, which, now, AuditAction.SENT_ON_HOLD, Reason.NOTHING_ON_HOLD)


def _queue_again(
    actor: Membership, batch: Batch, which: Any, now: datetime, action: AuditAction, if_none: Reason
) -> int:
    """``which``: the ids. Resets the mails' attempts."""
    new = {
        "state": DeliveryState.QUEUED,
        "priority": Priority.BULK,
        "attempts": 0,
        "unknown_outcomes": 0,
        "due_at": now,
        "finished_at": None,
        "reply_code": None,
        "reply_text": "",
    }
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        again: int = Delivery.update(**new).where(Delivery.id.in_(which)).execute()
        if not again:
            raise RuleError(if_none)
        batches.restart(batch)
        audit_log.record(action, batch.account, actor.user, now, batch=batch.id, people=again)
    return again


def retriable(batch: Batch, now: datetime) -> Any:
    """A query for the ids of failed and unknown mails to people who can still accept."""
    which = Delivery.state.in_((DeliveryState.FAILED, DeliveryState.UNKNOWN))
    return _still_needed(which & (Delivery.batch == batch), now)


def on_hold(batch: Batch, now: datetime) -> Any:
    """A query for the ids of mails on hold to people who can still accept."""
    return _still_needed(deliveries.IS_ON_HOLD & (Delivery.batch == batch), now)


def total_on_hold(now: datetime) -> int:
    return int(_still_needed(deliveries.IS_ON_HOLD, now).count())


def _still_needed(which: Any, now: datetime) -> Any:
    """A query for the ids of mails that match ``which``, each the newest of a pending invitation.

    Excludes canceled batches, and reminders of invitations to a higher role than the batch's own:
    members who may manage the batch may not send those.
    """
    return (
        Delivery.select(Delivery.id)
        .join(Invitation)
        .switch(Delivery)
        .join(Batch)
        .where(
            which,
            Batch.state != BatchState.CANCELED,
            Invitation.role <= Batch.role,
            Invitation.state == InvitationState.PENDING,
            Invitation.expires_at > now,
            deliveries.is_newest_mail(),
        )
    )
