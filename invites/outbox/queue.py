"""Which mails go out next: the urgent ones first, then every account's batches in turn."""

import json
import math
from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from invites import db
from invites.core.roles import Role
from invites.models import Batch, BatchState, Delivery, DeliveryKind
from invites.outbox import batches
from invites.outbox.enqueue import Priority
from invites.outbox.retry import LONGEST_PAUSE

# Plain SQL, because it runs for every tray of mails: building it anew costs more than it does.
_MAIL = """
SELECT mail.id, mail.kind, mail.recipient, mail.created_at, mail.priority, mail.attempts,
    mail.unknown_outcomes, mail.account_id, mail.batch_id,
    EXISTS (SELECT 1 FROM "user" WHERE "user".email = mail.recipient),
    offer.id, offer.created_at, offer.inviter_id, offer.role, offer.expires_at, offer.name
FROM delivery AS mail LEFT JOIN invitation AS offer ON offer.id = mail.invitation_id
"""
_QUEUED = f"{_MAIL} WHERE mail.state = 'queued'"
_URGENT = f"""{_QUEUED}
AND mail.priority < 20 AND (mail.due_at <= ? OR mail.due_at > ?)
ORDER BY mail.priority, mail.due_at > ?, mail.due_at, mail.id LIMIT ?
"""
_OF_BATCH = f"""{_QUEUED}
AND mail.priority = 20 AND mail.batch_id = ?
AND mail.due_at > ? AND mail.due_at <= ?
ORDER BY mail.due_at, mail.id LIMIT ?
"""
# The + keeps SQLite from going through all that wait for these few.
_NAMED = f"""{_MAIL} WHERE +mail.state = 'queued'
AND mail.id IN (SELECT value FROM json_each(?)) AND (mail.due_at <= ? OR mail.due_at > ?)
ORDER BY mail.id LIMIT ?
"""  # noqa: S608  # all of it is written here
_LAST = 2**63 - 1  # of all moments


class QueuedInvitation(NamedTuple):
    """What a mail needs to know of its invitation; can be signed like the row itself."""

    id: int
    created_at: datetime
    inviter_id: int
    role: Role
    expires_at: datetime
    name: str


class Waiting(NamedTuple):
    """A mail that is due, with all that a batch's form letter needs to be filled in.

    ``known``: whether the recipient has a profile. ``offer`` is None for mail
    that isn't an invitation.
    """

    id: int
    kind: DeliveryKind
    recipient: str
    created_at: datetime
    priority: Priority
    attempts: int
    unknown_outcomes: int
    account_id: int | None
    batch_id: int | None
    known: bool
    offer: QueuedInvitation | None


def urgent(now: datetime, limit: int) -> list[Waiting]:
    """Mail for which somebody waits, then single invitations, then nothing else."""
    due, wrong = _due(now)
    return list(_read(db.select(_URGENT, (due, wrong, due, limit))))


def bulk(now: datetime, limit: int, in_hand: Set[int] = frozenset()) -> list[Waiting]:
    """Mails of running batches: the oldest of each account, an equal share of each in turn.

    Without those in hand, by their ids, which are still queued. Fewer than ``limit`` of very
    many accounts when some of these have little.
    """
    running = _running()
    share = min(limit, 2 * math.ceil(limit / len(running))) if running else 0
    look = _Look(now, share, in_hand)
    lanes = [lane for unfinished in running.values() if (lane := _first_due(unfinished, look))]
    mixed = chain.from_iterable(zip_longest(*lanes))
    return [waiting for waiting in mixed if waiting is not None][:limit]


def _running() -> dict[int, list[Batch]]:
    """The batches that aren't done, oldest first, by account."""
    by_account: dict[int, list[Batch]] = {}
    running = Batch.select(Batch.id, Batch.account, Batch.state).where(
        Batch.state.in_(batches.ACTIVE)
    )
    for batch in running.order_by(Batch.id):
        by_account.setdefault(batch.account_id, []).append(batch)
    return by_account


def _first_due(unfinished: Sequence[Batch], look: "_Look") -> list[Waiting]:
    for batch in unfinished:
        first = batches.probe(batch) if batch.state == BatchState.PROBING else None
        if rows := look.at_all(batch) if first is None else look.at(first):
            return list(_read(rows))
        batches.finish_if_done(batch)
    return []


class _Look(NamedTuple):
    """For so many mails that are due now, and that nobody has in hand."""

    now: datetime
    limit: int
    in_hand: Set[int]

    def at_all(self, batch: Batch) -> list[tuple[Any, ...]]:
        due, wrong = _due(self.now)
        return self._for(_OF_BATCH, batch.id, 0, due) or self._for(
            _OF_BATCH, batch.id, wrong, _LAST
        )

    def at(self, ids: list[int]) -> list[tuple[Any, ...]]:
        return self._for(_NAMED, json.dumps(ids), *_due(self.now)) if ids else []

    def _for(self, sql: str, *values: int | str) -> list[tuple[Any, ...]]:
        rows = db.select(sql, (*values, self.limit + len(self.in_hand)))
        return [row for row in rows if row[0] not in self.in_hand][: self.limit]


def _due(now: datetime) -> tuple[int, int]:
    """Until when mail is due, and after when its due date is so late that no pause explains it.

    That comes from a clock that was a day ahead, and mail shouldn't wait for a day.
    """
    return Delivery.due_at.db_value(now), Delivery.due_at.db_value(now + LONGEST_PAUSE)


def _read(rows: Sequence[tuple[Any, ...]]) -> Iterator[Waiting]:
    for row in rows:
        number, kind, recipient, created_at, priority = row[:5]
        attempts, unknown_outcomes, account_id, batch_id, known = row[5:10]
        of, at, by, role, until, name = row[10:]
        yield Waiting(
            number,
            DeliveryKind(kind),
            recipient,
            db.moment(created_at),
            Priority(priority),
            attempts,
            unknown_outcomes,
            account_id,
            batch_id,
            bool(known),
            QueuedInvitation(of, db.moment(at), by, Role(role), db.moment(until), name)
            if of
            else None,
        )
