"""A batch's state. No other module writes it."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import fn

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize
from invites.core.errors import Reason, RuleError
from invites.models import (
    UNSENT_STATES,
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Membership,
    Priority,
)
from invites.outbox import deliveries

log = logging.getLogger(__name__)

PROBED_SIZE = 50  # mails; a batch of this size begins with a few probes
PROBES = 10

ACTIVE = (BatchState.PROBING, BatchState.RUNNING)  # the worker sends their mails
_HALTED = (BatchState.PAUSED, BatchState.STOPPED)

# Plain SQL, because it runs all the time.
_FINISH = db.sql(
    """UPDATE batch SET state = {BatchState.DONE}
    WHERE state IN ({BatchState.PROBING}, {BatchState.RUNNING}) AND NOT EXISTS (
        SELECT 1 FROM delivery
        WHERE delivery.batch_id = batch.id
        AND delivery.state IN ({DeliveryState.QUEUED}, {DeliveryState.SENDING})
        AND delivery.priority = {Priority.BULK})""",
    BatchState,
    DeliveryState,
    Priority,
)


def start(batch: Batch, mails: int) -> None:
    """Begins with probes if there are many mails."""
    batch.state = BatchState.PROBING if mails >= PROBED_SIZE else BatchState.RUNNING
    batch.save(only=[Batch.state])


def pause(actor: Membership, batch: Batch, now: datetime) -> None:
    """Raises RuleError(BATCH_CHANGED)."""
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        _change_state(batch, ACTIVE, BatchState.PAUSED)
        audit_log.record(AuditAction.PAUSED, batch.account, actor.user, now, batch=batch.id)


def resume(actor: Membership, batch: Batch, now: datetime) -> None:
    """``batch`` is paused or stopped. Raises RuleError(BATCH_CHANGED)."""
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        _change_state(batch, _HALTED, BatchState.RUNNING)
        audit_log.record(AuditAction.RESUMED, batch.account, actor.user, now, batch=batch.id)


def cancel(actor: Membership, batch: Batch, now: datetime) -> int:
    """Withdraws the queued mails; returns how many.

    Revokes invitations that no mail was sent for, so those people can be invited again. A mail that
    a worker has claimed is withdrawn within a second, unless it is being sent.

    Raises RuleError(BATCH_CHANGED, ALL_SENT).
    """
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        refuse_uncancelable(batch)
        _change_state(batch, (*ACTIVE, *_HALTED), BatchState.CANCELED)
        queued = [number for (number,) in db.tuples(_mails(batch.id, DeliveryState.QUEUED))]
        withdrawn = deliveries.withdraw_canceled_or_over(queued, now)
        audit_log.record(
            AuditAction.CANCELED, batch.account, actor.user, now, batch=batch.id, people=withdrawn
        )
    return withdrawn


def refuse_uncancelable(batch: Batch) -> None:
    """Raises RuleError(ALL_SENT) when the batch has no unsent mail."""
    if batch.state != BatchState.CANCELED and not unsent(batch):
        raise RuleError(Reason.ALL_SENT)


def unsent(batch: Batch) -> int:
    return int(_mails(batch.id, *UNSENT_STATES).count())


def restart(batch: Batch) -> None:
    """Continues a batch that was done or stopped."""
    Batch.update(state=BatchState.RUNNING, stop_reason="").where(
        Batch.id == batch.id, Batch.state.in_((BatchState.DONE, BatchState.STOPPED))
    ).execute()


def stop(batch_id: int, code: int | None, text: str) -> None:
    """``code`` and ``text``: the mail server's reply."""
    reason = f"{code or ''} {text}".strip()
    log.warning("batch %s stopped: %s", batch_id, reason)
    Batch.update(state=BatchState.STOPPED, stop_reason=reason[:500]).where(
        Batch.id == batch_id, Batch.state.in_(ACTIVE)
    ).execute()


def advance() -> None:
    """Finishes batches that have no unsent mail, and decides what probes mean.

    Uses one statement for all, so that it can't miss a mail that is queued at the same moment.
    """
    db.execute(_FINISH, ())
    for batch in Batch.select().where(Batch.state == BatchState.PROBING):
        _judge_probes(batch)


def probes_left(batch: Batch) -> int:
    """How many more mails are sent before the probes are judged."""
    return max(0, PROBES - len(_attempted(batch)))


def _judge_probes(batch: Batch) -> None:
    """Once all probes were attempted, the batch runs, or stops if most of them failed."""
    probes = _attempted(batch)
    untried = _mails(batch.id, DeliveryState.QUEUED).where(Delivery.attempts == 0)
    if len(probes) < PROBES and untried.exists():
        return
    if any(one.state == DeliveryState.SENDING for one in probes):
        return
    failed = [one for one in probes if one.state == DeliveryState.FAILED]
    if len(failed) * 2 > len(probes):
        replies = Counter((one.reply_code, one.reply_text) for one in failed)
        stop(batch.id, *replies.most_common(1)[0][0])
        return
    Batch.update(state=BatchState.RUNNING).where(
        Batch.id == batch.id, Batch.state == BatchState.PROBING
    ).execute()


def _attempted(batch: Batch) -> list[Delivery]:
    """The mails that were sent, are being sent or were deferred. Few while a batch is probing."""
    mails = Delivery.select(Delivery.state, Delivery.reply_code, Delivery.reply_text).where(
        Delivery.batch == batch, Delivery.priority == Priority.BULK
    )
    ignored = (DeliveryState.QUEUED, DeliveryState.WITHDRAWN)
    begun = mails.where(Delivery.state.in_([one for one in DeliveryState if one not in ignored]))
    # The due date lets an index find these among thousands.
    is_deferred = (Delivery.due_at > batch.created_at) & (Delivery.attempts > 0)
    return [*begun, *mails.where(deliveries.IS_QUEUED, is_deferred)]


def ahead_of(batch: Batch, now: datetime) -> Batch | None:
    """An older batch of the same account that is sent first, if any; see queue.bulk."""
    due = _mails(Batch.id, *UNSENT_STATES).where(Delivery.due_at <= now)
    older = Batch.select().where(
        Batch.account == batch.account_id,
        Batch.id < batch.id,
        Batch.state.in_(ACTIVE),
        fn.EXISTS(due),
    )
    return older.order_by(Batch.id).get_or_none()


def _mails(batch_id: Any, *states: DeliveryState) -> Any:
    return Delivery.select(Delivery.id).where(
        Delivery.batch == batch_id,
        Delivery.priority == Priority.BULK,
        Delivery.state.in_(states),
    )


def _change_state(batch: Batch, before: Sequence[BatchState], after: BatchState) -> None:
    changed = (
        Batch.update(state=after, stop_reason="")
        .where(Batch.id == batch.id, Batch.state.in_(before))
        .execute()
    )
    if not changed:
        raise RuleError(Reason.BATCH_CHANGED)
