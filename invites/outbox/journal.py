"""Commits which mails are being sent and what became of them, before the next one is sent.

A mail is marked as *sending* before any of it is transmitted. No connection completes a mail before
the result of its previous one is committed. So a killed worker duplicates at most one mail per
connection, and loses none. Connections that are ready at the same time share one commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from invites import db
from invites.models import BatchState, Delivery, DeliveryState, InvitationState, Priority
from invites.outbox import deliveries
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, Decision, History, SendResult, decide

# Plain SQL, because it runs for every mail: peewee takes longer to build it than it runs.
_START = db.sql(
    """UPDATE delivery SET state = {DeliveryState.SENDING}
    WHERE id = ? AND state = {DeliveryState.QUEUED}
    AND (invitation_id IS NULL OR EXISTS (
        SELECT 1 FROM invitation
        WHERE invitation.id = delivery.invitation_id
        AND invitation.state = {InvitationState.PENDING} AND invitation.expires_at > ?))
    AND (priority < {Priority.BULK} OR EXISTS (
        SELECT 1 FROM batch WHERE batch.id = delivery.batch_id
        AND batch.state IN ({BatchState.PROBING}, {BatchState.RUNNING})))""",
    BatchState,
    DeliveryState,
    InvitationState,
    Priority,
)
_FINISH = db.sql(
    """UPDATE delivery SET state = ?, due_at = COALESCE(?, due_at), finished_at = ?, attempts = ?,
        unknown_outcomes = ?, reply_code = ?, reply_text = ?
    WHERE id = ? AND state IN ({DeliveryState.SENDING}, {DeliveryState.QUEUED})""",
    DeliveryState,
)
_PUT_BACK = db.sql(
    """UPDATE delivery SET state = {DeliveryState.QUEUED}
    WHERE id = ? AND state = {DeliveryState.SENDING}""",
    DeliveryState,
)


class JournalEntry(NamedTuple):
    mail: QueuedMail
    attempt: Attempt


def write(
    entries: Sequence[JournalEntry], starting: Sequence[QueuedMail], now: datetime
) -> set[int]:
    """Commits results, and marks ``starting`` as being sent.

    Returns the ids of those that may be sent. The others are withdrawn if their batch was canceled
    or their invitation closed, and stay queued if their batch is halted. Raises PeeweeException
    after writing nothing.
    """
    moment = _microseconds(now)
    with db.sql_transaction() as run:
        queued_again = []
        for mail, attempt in entries:
            so_far = History(mail.created_at, mail.attempts, mail.unknown_outcomes)
            decision = decide(so_far, attempt.result, now)
            if attempt.result is SendResult.NOT_ATTEMPTED:
                run(_PUT_BACK, (mail.id,))
            else:
                run(_FINISH, (*_values(decision, attempt, moment), mail.id))
            if decision.state is DeliveryState.QUEUED:
                queued_again.append(mail.id)
        # Their batch may have been canceled, or their invitation closed, while they were sent.
        deliveries.withdraw_canceled_or_over(queued_again, now)
        may_start = {mail.id for mail in starting if run(_START, (mail.id, moment)).rowcount}
        refused = [mail.id for mail in starting if mail.id not in may_start]
        deliveries.withdraw_canceled_or_over(refused, now)
    return may_start


def recover(now: datetime) -> int:
    """Queues the mails again that a killed worker was sending; returns how many.

    Call it only while no worker runs. Some mails may have arrived; their duplicates have the
    same Message-ID. Withdraws mails that were canceled meanwhile.
    """
    sending = Delivery.select(Delivery.id).where(deliveries.IS_SENDING)
    with db.transaction():
        ids = [number for (number,) in db.tuples(sending)]
        Delivery.update(state=DeliveryState.QUEUED).where(deliveries.IS_SENDING).execute()
        deliveries.withdraw_canceled_or_over(ids, now, may_have_arrived=True)
    return len(ids)


def _values(decision: Decision, attempt: Attempt, moment: int) -> tuple[str | int | None, ...]:
    return (
        decision.state,
        _microseconds(decision.due_at) if decision.due_at else None,
        None if decision.due_at else moment,
        decision.attempts,
        decision.unknown_outcomes,
        attempt.code,
        attempt.text[:500],
    )


def _microseconds(moment: datetime) -> int:
    value: int = Delivery.due_at.db_value(moment)
    return value
