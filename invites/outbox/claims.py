"""Which mails a worker sends: it claims many at once, so that nothing is written for each mail.

A claimed mail is *sending*. The worker gives back what it can't send soon.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from invites import db
from invites.models import DeliveryState
from invites.outbox import batches, deliveries, outcomes, queue
from invites.outbox.queue import QueuedMail

MAX_CLAIM = 500  # mails

_CLAIM = db.sql(
    """UPDATE delivery SET state = {DeliveryState.SENDING}, claimed_by = ?
    WHERE id IN (SELECT value FROM json_each(?))""",
    DeliveryState,
)
_GIVE_BACK = db.sql(
    """UPDATE delivery SET state = {DeliveryState.QUEUED}
    WHERE id IN (SELECT value FROM json_each(?))
    AND state = {DeliveryState.SENDING} AND claimed_by = ?""",
    DeliveryState,
)
_RECOVER = db.sql(
    """UPDATE delivery
    SET state = {DeliveryState.QUEUED}, unknown_outcomes = unknown_outcomes + 1
    WHERE state = {DeliveryState.SENDING} RETURNING id""",
    DeliveryState,
)


def claim(worker: int, now: datetime, limit: int, last_account: int = 0) -> list[QueuedMail]:
    """Up to ``limit`` mails that are due, in the order of ``queue.due``, now *sending*.

    Folds outcomes first, since they decide about batches. Withdraws mails whose invitation is over,
    and looks for others if all are.
    """
    with db.transaction():
        outcomes.fold(now)
        batches.advance()
        due = queue.due(now, limit, last_account)
        while over := [mail.id for mail in due if mail.is_over(now)]:
            deliveries.withdraw_canceled_or_over(over, now)
            if len(over) < len(due):
                break
            due = queue.due(now, MAX_CLAIM, last_account)
        claimed = [mail for mail in due if not mail.is_over(now)][:limit]
        db.execute(_CLAIM, (worker, json.dumps([mail.id for mail in claimed])))
    return claimed


def give_back(worker: int, mails: Sequence[QueuedMail], now: datetime) -> None:
    """Queues mails again that ``worker`` claimed and didn't begin to send."""
    ids = [mail.id for mail in mails]
    with db.transaction():
        db.execute(_GIVE_BACK, (json.dumps(ids), worker))
        deliveries.withdraw_canceled_or_over(ids, now)


def recover(now: datetime) -> int:
    """Folds outcomes, then queues again what a killed worker had claimed; returns how many.

    Call it only while no worker runs. Some mails may have arrived, and nobody knows which, so it
    counts as an unknown outcome of all. Withdraws mails that were canceled meanwhile.
    """
    with db.transaction():
        outcomes.fold(now)
        ids = [number for (number,) in db.select(_RECOVER, ())]
        deliveries.withdraw_canceled_or_over(ids, now)
    return len(ids)
