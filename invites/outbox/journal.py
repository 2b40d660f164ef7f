"""Writes down which mails are being sent and what became of them, before the next one goes.

That order is what a crash can't break: a mail is marked as *sending* before any
of it leaves, and a connection ends no mail before the outcome of its last one
is committed. So a killed worker doubles at most one mail a connection, and
loses none. What several connections did at the same time is one commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from invites import db
from invites.models import Delivery, DeliveryState
from invites.outbox import batches, enqueue
from invites.outbox.queue import Waiting
from invites.outbox.retry import Outcome, Result, Tried, after

# Plain SQL, because they run for every mail: building them anew costs more than they do.
_START = """
UPDATE delivery SET state = 'sending'
WHERE id = ? AND state = 'queued'
AND (invitation_id IS NULL OR EXISTS (
    SELECT 1 FROM invitation
    WHERE invitation.id = delivery.invitation_id
    AND invitation.state = 'pending' AND invitation.expires_at > ?))
AND (priority < 20 OR EXISTS (
    SELECT 1 FROM batch
    WHERE batch.id = delivery.batch_id AND batch.state IN ('probing', 'running')))
"""
_SETTLE = """
UPDATE delivery SET state = ?, due_at = COALESCE(?, due_at), finished_at = ?, attempts = ?,
    unknown_outcomes = ?, reply_code = ?, reply_text = ?
WHERE id = ? AND state IN ('sending', 'queued')
"""
_REVOKE_IF_CANCELLED = """
UPDATE invitation SET state = 'revoked'
WHERE state = 'pending' AND (id, batch_id) = (
    SELECT delivery.invitation_id, batch.id
    FROM delivery JOIN batch ON batch.id = delivery.batch_id
    WHERE delivery.id = ? AND delivery.state = 'queued' AND delivery.unknown_outcomes = 0
    AND delivery.priority = 20 AND batch.state = 'canceled')
"""
_WITHDRAW_IF_OVER = """
UPDATE delivery SET state = 'withdrawn', finished_at = ?
WHERE id = ? AND state = 'queued' AND (
    invitation_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM invitation
        WHERE invitation.id = delivery.invitation_id
        AND invitation.state = 'pending' AND invitation.expires_at > ?)
    OR priority = 20 AND EXISTS (
        SELECT 1 FROM batch WHERE batch.id = delivery.batch_id AND batch.state = 'canceled'))
"""
_NOT_ATTEMPTED = "UPDATE delivery SET state = 'queued' WHERE id = ? AND state = 'sending'"


Statement = tuple[str, tuple[str | int | None, ...]]


class Settled(NamedTuple):
    """A mail, and what became of it."""

    mail: Waiting
    outcome: Outcome


def write(settled: Sequence[Settled], starting: Sequence[Waiting], now: datetime) -> set[int]:
    """Commit what became of ``settled``, and that ``starting`` go next; returns whose turn it is.

    The others of ``starting``, by their ids, aren't to be sent now: what was answered,
    revoked or has expired meanwhile is withdrawn; or its batch doesn't go on, and it stays
    queued. Raises PeeweeException, and nothing is written.
    """
    moment = _micro(now)
    with db.sql_transaction() as run:
        for one in settled:
            for statement, values in _outcome(one, now, moment):
                run(statement, values)
        may_go = {mail.id for mail in starting if run(_START, (mail.id, moment)).rowcount}
        for mail in starting:
            if mail.id not in may_go:
                run(*_withdraw_if_over(mail.id, moment))
    return may_go


def recover(now: datetime) -> int:
    """Queue again what a worker that died was sending; returns how many mails that are.

    Only while no worker runs. Some of them may have arrived: the doubles have
    the same Message-ID. What was canceled meanwhile isn't sent again.
    """
    queued = Delivery.update(state=DeliveryState.QUEUED)
    with db.transaction():
        recovered: int = queued.where(enqueue.IS_SENDING).execute()
        batches.withdraw_canceled(now)
    return recovered


def _outcome(settled: Settled, now: datetime, moment: int) -> list[Statement]:
    mail, outcome = settled.mail, settled.outcome
    then = after(Tried(mail.created_at, mail.attempts, mail.unknown_outcomes), outcome.result, now)
    if outcome.result is Result.UNTRIED:
        settle: Statement = _NOT_ATTEMPTED, (mail.id,)
    else:
        settle = (
            _SETTLE,
            (
                then.state,
                _micro(then.due_at) if then.due_at else None,
                None if then.due_at else moment,
                then.attempts,
                then.unknown_outcomes,
                outcome.code,
                outcome.text[:500],
                mail.id,
            ),
        )
    if then.state is not DeliveryState.QUEUED:
        return [settle]
    # Its batch may have been canceled, or its invitation closed, while it was being sent.
    return [settle, (_REVOKE_IF_CANCELLED, (mail.id,)), _withdraw_if_over(mail.id, moment)]


def _withdraw_if_over(mail: int, moment: int) -> Statement:
    return _WITHDRAW_IF_OVER, (moment, mail, moment)


def _micro(moment: datetime) -> int:
    value: int = Delivery.due_at.db_value(moment)
    return value
