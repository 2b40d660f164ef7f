"""Steering a batch: pause, resume, cancel, send again; and what its first mails decide."""

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
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    Membership,
)
from invites.outbox.enqueue import IN_HAND, Priority
from invites.outbox.progress import on_hold, retriable
from invites.outbox.retry import Outcome, Result

log = logging.getLogger("invites.outbox.enqueue.batches")

FIRST = 10  # mails of a big batch whose fate decides about the others

ACTIVE = (BatchState.PROBING, BatchState.RUNNING)  # the worker sends their mails

_QUEUED = DeliveryState.QUEUED
_HALTED = (BatchState.PAUSED, BatchState.STOPPED)


def pause(actor: Membership, batch: Batch, now: datetime) -> None:
    """Keep back what isn't sent yet. Raises RuleError(BATCH_NOT_SO)."""
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        _turn(batch, ACTIVE, BatchState.PAUSED)
        audit_log.record(AuditAction.PAUSED, batch.account, actor.user, now, batch=batch.id)


def resume(actor: Membership, batch: Batch, now: datetime) -> None:
    """Let a batch go on that was paused or stopped by itself. Raises RuleError(BATCH_NOT_SO)."""
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        _turn(batch, _HALTED, BatchState.RUNNING)
        audit_log.record(AuditAction.RESUMED, batch.account, actor.user, now, batch=batch.id)


def cancel(actor: Membership, batch: Batch, now: datetime) -> int:
    """Withdraw what isn't sent yet; returns how many mails that are.

    The invitations that nobody was mailed before are revoked too: those people
    can be invited anew. A mail that is being sent just now goes out, or the ledger
    does the same with it. Raises RuleError(BATCH_NOT_SO), or ALL_SENT when it is too late.
    """
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        refuse_uncancelable(batch)
        _turn(batch, (*ACTIVE, *_HALTED), BatchState.CANCELED)
        waits = _waits(Delivery.batch == batch)
        people = Delivery.select(Delivery.invitation).where(waits, Delivery.unknown_outcomes == 0)
        Invitation.update(state=InvitationState.REVOKED).where(
            Invitation.id.in_(people),
            Invitation.batch == batch,  # others were mailed before, and are only reminded
            Invitation.state == InvitationState.PENDING,
        ).execute()
        withdrawn = _withdraw(waits, now)
        audit_log.record(
            AuditAction.CANCELED, batch.account, actor.user, now, batch=batch.id, people=withdrawn
        )
    return withdrawn


def withdraw_canceled(now: datetime) -> None:
    """Withdraw what waits again of canceled batches: it was being sent when a worker died.

    It may have arrived, so its invitation stays. In the caller's transaction.
    """
    canceled = Batch.select(Batch.id).where(Batch.state == BatchState.CANCELED)
    _withdraw(_waits(Delivery.batch.in_(canceled)), now)


def refuse_uncancelable(batch: Batch) -> None:
    """Raises RuleError(ALL_SENT) when nothing of a batch waits any more."""
    if batch.state != BatchState.CANCELED and not unsent(batch):
        raise RuleError(Reason.ALL_SENT)


def unsent(batch: Batch) -> int:
    """How many mails canceling would withdraw."""
    return int(Delivery.select().where(_waits(Delivery.batch == batch)).count())


def retry_failed(actor: Membership, batch: Batch, now: datetime) -> int:
    """Queue the failed and unanswered mails of people who can still accept; returns how many.

    Not of those who were mailed again since. Raises RuleError(NOTHING_TO_RETRY),
    also when the batch was canceled.
    """
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        which = Delivery.id.in_(retriable(batch, now))
        return _queue_again(actor, batch, which, now, AuditAction.RETRIED, Reason.NOTHING_TO_RETRY)


def send_on_hold(actor: Membership, batch: Batch, now: datetime) -> int:
    """Queue the mails that a restored backup held back; returns how many.

    Raises RuleError(NOTHING_ON_HOLD), also when the batch was canceled.
    """
    with db.transaction():
        authorize(actor, Action.INVITE, batch.role)
        which = Delivery.id.in_(on_hold(batch, now))
        reason = Reason.NOTHING_ON_HOLD
        return _queue_again(actor, batch, which, now, AuditAction.SENT_ON_HOLD, reason)


def _queue_again(
    actor: Membership, batch: Batch, which: Any, now: datetime, action: AuditAction, if_none: Reason
) -> int:
    """Queue mails like new, and let their batch go on if it ended, or stopped by itself."""
    again: int = (
        Delivery.update(
            state=DeliveryState.QUEUED,
            priority=Priority.BULK,
            attempts=0,
            unknown_outcomes=0,
            due_at=now,
            finished_at=None,
            reply_code=None,
            reply_text="",
        )
        .where(which)
        .execute()
    )
    if not again:
        raise RuleError(if_none)
    Batch.update(state=BatchState.RUNNING, stop_reason="").where(
        Batch.id == batch.id, Batch.state.in_((BatchState.DONE, BatchState.STOPPED))
    ).execute()
    audit_log.record(action, batch.account, actor.user, now, batch=batch.id, people=again)
    return again


def stop(batch_id: int, because: str) -> None:
    """Halt a batch whose mails come to nothing, with the mail server's code and words."""
    log.warning("batch %s stopped by itself: %s", batch_id, because)
    Batch.update(state=BatchState.STOPPED, stop_reason=because[:500]).where(
        Batch.id == batch_id, Batch.state.in_(ACTIVE)
    ).execute()


def probe(batch: Batch) -> list[int] | None:
    """Which of the first mails wait for their try, while no other may go; None once all may.

    When every one of them was tried, the batch runs on, or stops if most failed.
    """
    first = _first(batch)
    if any(one.state in IN_HAND and not one.attempts for one in first):
        return [one.id for one in first if one.state == _QUEUED and not one.attempts]
    if any(one.state == DeliveryState.SENDING for one in first):
        return []
    failed = [one for one in first if one.state == DeliveryState.FAILED]
    if len(failed) * 2 > len(first):
        outcomes = (Outcome(Result.FAILED, one.reply_code, one.reply_text) for one in failed)
        stop(batch.id, Counter(one.said for one in outcomes).most_common(1)[0][0])
        return []
    Batch.update(state=BatchState.RUNNING).where(
        Batch.id == batch.id, Batch.state == BatchState.PROBING
    ).execute()
    return None


def _first(batch: Batch) -> list[Delivery]:
    """The first mails that weren't withdrawn, with what tells their fate.

    The many that wait lie in the index as they are counted, so ten of them are
    read; of the others there are few as long as this is asked.
    """
    found = Delivery.select(
        Delivery.id, Delivery.state, Delivery.attempts, Delivery.reply_code, Delivery.reply_text
    )
    mine = (Delivery.batch == batch) & (Delivery.priority == Priority.BULK)
    others = [state for state in DeliveryState if state not in (_QUEUED, DeliveryState.WITHDRAWN)]
    waiting = mine & (Delivery.state == _QUEUED) & Delivery.finished_at.is_null()
    first = found.where(waiting).order_by(Delivery.id).limit(FIRST)
    tried = found.where(mine, Delivery.state.in_(others))
    return sorted([*first, *tried], key=lambda one: one.id)[:FIRST]


def ahead_of(batch: Batch, now: datetime) -> Batch | None:
    """The batch of the same account that goes out before ``batch``, if any does; see feed.bulk."""
    due = Delivery.select(Delivery.id).where(
        Delivery.batch == Batch.id,
        Delivery.state.in_(IN_HAND),
        Delivery.priority == Priority.BULK,
        Delivery.due_at <= now,
    )
    older = Batch.select().where(
        Batch.account == batch.account_id,
        Batch.id < batch.id,
        Batch.state.in_(ACTIVE),
        fn.EXISTS(due),
    )
    first: Batch | None = db.one(older.order_by(Batch.id))
    return first


def finish_if_done(batch: Batch) -> None:
    """Mark a running batch of which nothing waits any more; one statement, so that none is lost."""
    waiting = Delivery.select(Delivery.id).where(
        Delivery.batch == batch.id,
        Delivery.state.in_(IN_HAND),
        Delivery.priority == Priority.BULK,
    )
    Batch.update(state=BatchState.DONE).where(
        Batch.id == batch.id, Batch.state.in_(ACTIVE), ~fn.EXISTS(waiting)
    ).execute()


def _waits(whose: Any) -> Any:
    """The condition that a mail of a batch isn't out; of which batch, says ``whose``."""
    return whose & (Delivery.state == DeliveryState.QUEUED) & (Delivery.priority == Priority.BULK)


def _withdraw(which: Any, now: datetime) -> int:
    changes = {Delivery.state: DeliveryState.WITHDRAWN, Delivery.finished_at: now}
    withdrawn: int = Delivery.update(changes).where(which).execute()
    return withdrawn


def _turn(batch: Batch, before: Sequence[BatchState], state: BatchState) -> None:
    changed = (
        Batch.update(state=state, stop_reason="")
        .where(Batch.id == batch.id, Batch.state.in_(before))
        .execute()
    )
    if not changed:
        raise RuleError(Reason.BATCH_NOT_SO)
