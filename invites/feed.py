"""Which mails go out next: the urgent ones first, then every account's batches in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any

from peewee import fn

from invites import db, steering
from invites.attempts import LONGEST_PAUSE
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Invitation,
    User,
)
from invites.outbox import Priority
from invites.roles import Role


@dataclass(frozen=True, slots=True)
class Offer:
    """What a mail needs to know of its invitation; can be signed like the row itself."""

    id: int
    created_at: datetime
    inviter_id: int
    role: Role
    expires_at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Waiting:
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
    unanswered: int
    account_id: int | None
    batch_id: int | None
    known: bool
    offer: Offer | None


def urgent(now: datetime, limit: int) -> list[Waiting]:
    """Mail for which somebody waits, then single invitations, then nothing else."""
    found: list[Waiting] = []
    for priority in (Priority.PERSONAL, Priority.SINGLE):
        if len(found) < limit:
            found += _due(Delivery.priority == priority, now, limit - len(found))
    return found


def bulk(now: datetime, limit: int) -> list[Waiting]:
    """Mails of running batches: the oldest of each account, an equal share of each in turn."""
    lanes = [lane for batches in _running().values() if (lane := _first_due(batches, now, limit))]
    mixed = chain.from_iterable(zip_longest(*lanes))
    return [waiting for waiting in mixed if waiting is not None][:limit]


def _running() -> dict[int, list[Batch]]:
    """The batches that aren't done, oldest first, by account."""
    by_account: dict[int, list[Batch]] = {}
    running = Batch.select(Batch.id, Batch.account, Batch.state).where(
        Batch.state.in_((BatchState.PROBING, BatchState.RUNNING))
    )
    for batch in running.order_by(Batch.id):
        by_account.setdefault(batch.account_id, []).append(batch)
    return by_account


def _first_due(batches: Sequence[Batch], now: datetime, limit: int) -> list[Waiting]:
    for batch in batches:
        mine = (Delivery.priority == Priority.BULK) & (Delivery.batch == batch)
        if batch.state == BatchState.PROBING and (first := steering.probe(batch)) is not None:
            mine &= Delivery.id.in_(first)
        if found := _due(mine, now, limit):
            return found
        steering.finish_if_done(batch)
    return []


def _due(which: Any, now: datetime, limit: int) -> list[Waiting]:
    """Mails that are due; none that a pause could explain is due past LONGEST_PAUSE.

    So a clock that was a day ahead doesn't keep mail for a day.
    """
    for moment in (Delivery.due_at <= now, Delivery.due_at > now + LONGEST_PAUSE):
        rows = _SELECTION.where(Delivery.state == DeliveryState.QUEUED, which, moment)
        found = list(_read(rows.order_by(Delivery.due_at, Delivery.id).limit(limit)))
        if found:
            return found
    return []


_SELECTION: Any = Delivery.select(
    Delivery.id,
    Delivery.kind,
    Delivery.recipient,
    Delivery.created_at,
    Delivery.priority,
    Delivery.attempts,
    Delivery.unanswered,
    Delivery.account,
    Delivery.batch,
    fn.EXISTS(User.select(User.id).where(User.email == Delivery.recipient)),
    Invitation.id,
    Invitation.created_at,
    Invitation.inviter,
    Invitation.role,
    Invitation.expires_at,
    Invitation.name,
).join(Invitation, db.LEFT_OUTER, on=(Delivery.invitation == Invitation.id))


def _read(rows: Any) -> Iterator[Waiting]:
    for (
        number,
        kind,
        recipient,
        created_at,
        priority,
        *rest,
        known,
        of,
        at,
        by,
        role,
        until,
        name,
    ) in db.stored(rows):
        attempts, unanswered, account_id, batch_id = rest
        yield Waiting(
            number,
            DeliveryKind(kind),
            recipient,
            db.moment(created_at),
            Priority(priority),
            attempts,
            unanswered,
            account_id,
            batch_id,
            bool(known),
            Offer(of, db.moment(at), by, Role(role), db.moment(until), name) if of else None,
        )
