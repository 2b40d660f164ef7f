"""What became of mails: appended before the text of the connection's next mail, folded in bulk.

Updating a delivery and its indexes takes several times as long as appending a row. So the worker
appends the new values of each delivery to a small table, and writes them into the deliveries a few
times a second, all at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from invites import db
from invites.models import Delivery, DeliveryState
from invites.outbox import deliveries
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, SendResult, decide

_NEW_VALUES = (
    "state",
    "attempts",
    "unknown_outcomes",
    "due_at",
    "finished_at",
    "reply_code",
    "reply_text",
)
# Plain SQL, because it runs for every mail: peewee takes longer to build it than it runs.
_COLUMNS = ", ".join((*_NEW_VALUES, "delivery_id", "claimed_by"))
_APPEND = db.sql("INSERT INTO delivery_outcome ({columns}) VALUES ", columns=_COLUMNS)
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TAKE_ALL = db.sql("DELETE FROM delivery_outcome RETURNING {columns}", columns=_COLUMNS)


class Outcome(NamedTuple):
    mail: QueuedMail
    attempt: Attempt


def append(worker: int, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Commits the outcomes of mails that ``worker`` claimed, at least one.

    Raises PeeweeException after writing nothing.
    """
    values: list[str | int | None] = []
    for outcome in outcomes:
        values += *_new_values(outcome, now), outcome.mail.id, worker
    # One statement is a transaction, and takes half as long as one that is begun and committed.
    db.execute(_APPEND + ", ".join([_ROW] * len(outcomes)), values)


def fold(now: datetime) -> None:
    """Writes all outcomes into their deliveries. Runs in the caller's transaction.

    Ignores those of a worker whose claim was recovered, because others send its mails again.
    """
    taken = db.select(_TAKE_ALL, ())
    # A recovered delivery isn't *sending* any more, or another worker claimed it.
    keys = ("id", "claimed_by", "state")
    rows = [(*outcome, DeliveryState.SENDING.value) for outcome in taken]
    db.update_rows(Delivery, _NEW_VALUES, keys, rows)
    # Their batch may have been canceled, or their invitation closed, while they were sent.
    queued_again = [id_ for state, *_, id_, _worker in taken if state == DeliveryState.QUEUED]
    deliveries.withdraw_canceled_or_over(queued_again, now)


def _new_values(outcome: Outcome, now: datetime) -> tuple[str | int | None, ...]:
    mail, attempt = outcome
    state, retry_at = decide(mail, attempt.result, now)
    return (
        state.value,
        mail.attempts + 1,
        mail.unknown_outcomes + (attempt.result is SendResult.OUTCOME_UNKNOWN),
        Delivery.due_at.db_value(retry_at or now),
        Delivery.finished_at.db_value(None if retry_at else now),
        attempt.code,
        attempt.text[:500],
    )
