"""Writes down which mails are being sent and what became of them, before the next one goes.

That order is what a crash can't break: a mail is marked as *sending* before any
of it leaves, and a connection ends no mail before the outcome of its last one
is committed. So a killed worker doubles at most one mail a connection, and
loses none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from invites import db, steering
from invites.attempts import Outcome, Result, Tried, after
from invites.feed import Waiting
from invites.models import Delivery, DeliveryState

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
UPDATE delivery SET state = ?, due_at = ?, finished_at = ?, attempts = ?, unanswered = ?,
    reply_code = ?, reply_text = ?
WHERE id = ? AND state IN ('sending', 'queued')
"""
_REVOKE_IF_CANCELLED = """
UPDATE invitation SET state = 'revoked'
WHERE state = 'pending' AND (id, batch_id) = (
    SELECT delivery.invitation_id, batch.id
    FROM delivery JOIN batch ON batch.id = delivery.batch_id
    WHERE delivery.id = ? AND delivery.state = 'queued' AND delivery.unanswered = 0
    AND delivery.priority = 20 AND batch.state = 'cancelled')
"""
_WITHDRAW_IF_OVER = """
UPDATE delivery SET state = 'withdrawn', finished_at = ?
WHERE id = ? AND state = 'queued' AND (
    invitation_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM invitation
        WHERE invitation.id = delivery.invitation_id
        AND invitation.state = 'pending' AND invitation.expires_at > ?)
    OR priority = 20 AND EXISTS (
        SELECT 1 FROM batch WHERE batch.id = delivery.batch_id AND batch.state = 'cancelled'))
"""
_UNTRIED = "UPDATE delivery SET state = 'queued' WHERE id = ? AND state = 'sending'"


Statement = tuple[str, tuple[str | int | None, ...]]


@dataclass(frozen=True, slots=True)
class Settled:
    """A mail, and what became of it."""

    mail: Waiting
    outcome: Outcome


@dataclass(slots=True)
class _Turn:
    settled: Sequence[Settled]
    starting: Waiting | None
    may_go: bool = False
    is_written: bool = False
    error: BaseException | None = field(default=None)


class Ledger:
    """One for all connections: what several of them bring at the same time is one commit."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []
        self._adding = Lock()
        self._writing = Lock()

    def turn(self, settled: Sequence[Settled], starting: Waiting | None, now: datetime) -> bool:
        """Commit what became of ``settled``, and that ``starting`` goes next.

        False when ``starting`` isn't to be sent now: it was answered, revoked or
        has expired meanwhile, and is withdrawn; or its batch doesn't go on, and it
        stays queued. Raises PeeweeException, and nothing is written.
        """
        turn = _Turn(settled, starting)
        with self._adding:
            self._turns.append(turn)
        with self._writing:
            if not turn.is_written:
                self._write_all(now)
        if turn.error is not None:
            raise turn.error
        return turn.may_go

    def _write_all(self, now: datetime) -> None:
        """Write every turn that waits, also those of the threads that wait for this one."""
        with self._adding:
            turns, self._turns = self._turns, []
        try:
            _commit(turns, now)
        except BaseException as error:
            for turn in turns:
                turn.error = error
        for turn in turns:
            turn.is_written = True


def recover(now: datetime) -> int:
    """Queue again what a worker that died was sending; returns how many mails that are.

    Only while no worker runs. Some of them may have arrived: the doubles have
    the same Message-ID. What was cancelled meanwhile isn't sent again.
    """
    sending = Delivery.state == DeliveryState.SENDING
    with db.transaction():
        recovered: int = Delivery.update(state=DeliveryState.QUEUED).where(sending).execute()
        steering.withdraw_cancelled(now)
    return recovered


def _commit(turns: Sequence[_Turn], now: datetime) -> None:
    moment = _micro(now)
    outcomes = [
        statement
        for turn in turns
        for settled in turn.settled
        for statement in _outcome(settled, now)
    ]
    starting = [turn for turn in turns if turn.starting is not None]
    starts = [(_START, (turn.starting.id, moment)) for turn in starting if turn.starting]
    withdrawals = [_withdraw_if_over(mail, moment) for _, (mail, _) in starts]
    touched = db.commit([*outcomes, *starts, *withdrawals])[len(outcomes) :]
    for turn, count in zip(starting, touched, strict=False):
        turn.may_go = count == 1


def _outcome(settled: Settled, now: datetime) -> list[Statement]:
    mail, outcome = settled.mail, settled.outcome
    then = after(Tried(mail.created_at, mail.attempts, mail.unanswered), outcome.result, now)
    if outcome.result is Result.UNTRIED:
        settle: Statement = _UNTRIED, (mail.id,)
    else:
        settle = (
            _SETTLE,
            (
                then.state,
                _micro(then.due_at or mail.created_at),
                None if then.due_at else _micro(now),
                then.attempts,
                then.unanswered,
                outcome.code,
                outcome.text[:500],
                mail.id,
            ),
        )
    if then.state is not DeliveryState.QUEUED:
        return [settle]
    # Its batch may have been cancelled, or its invitation closed, while it was being sent.
    return [settle, (_REVOKE_IF_CANCELLED, (mail.id,)), _withdraw_if_over(mail.id, _micro(now))]


def _withdraw_if_over(mail: int, moment: int) -> Statement:
    return _WITHDRAW_IF_OVER, (moment, mail, moment)


def _micro(moment: datetime) -> int:
    value: int = Delivery.due_at.db_value(moment)
    return value
