"""A batch's progress: the status of its people, and of the newest mail to each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from invites import db
from invites.authorization import authority
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    InvitationStatus,
    Priority,
)
from invites.outbox import deliveries

_SHOWN = 20
_RECENTLY = timedelta(seconds=30)


@dataclass(frozen=True)
class Progress:
    """The totals of a batch. Only the newest mail to each person counts.

    ``undelivered``: the last mails that failed or bounced, for the page. ``deferred``: the last
    mails that wait for a retry. ``not_due``: mails that wait for a later moment. ``on_hold``: mails
    that a restore put on hold, to people who can still accept. ``unneeded``: mails withdrawn
    because the person had answered. ``without_authority``: pending invitations that can't be
    accepted, see ``authority``.
    """

    mails: dict[DeliveryState, int]
    people: dict[InvitationStatus, int]
    undelivered: list[Delivery]
    deferred: list[Delivery]
    not_due: int
    per_minute: float
    retriable: int
    on_hold: int
    unneeded: int
    without_authority: int

    @property
    def minutes_left(self) -> float | None:
        """For the mails that are due, at the current rate. None if none are being sent."""
        due = self.waiting - self.not_due
        return due / self.per_minute if due > 0 and self.per_minute else None

    @property
    def total(self) -> int:
        return sum(self.people.values())

    @property
    def waiting(self) -> int:
        return self.mails[DeliveryState.QUEUED] + self.mails[DeliveryState.SENDING]

    @property
    def sent(self) -> int:
        return self.mails[DeliveryState.SENT]

    @property
    def failed(self) -> int:
        """Includes bounced mails."""
        return self.mails[DeliveryState.FAILED] + self.mails[DeliveryState.BOUNCED]

    @property
    def withdrawn(self) -> int:
        """Mails of a canceled batch, or of an invitation that was revoked or has expired."""
        return self.mails[DeliveryState.WITHDRAWN] - self.on_hold - self.unneeded

    @property
    def may_change(self) -> bool:
        return bool(self.waiting or self.people[InvitationStatus.PENDING])


def of_batch(batch: Batch, now: datetime) -> Progress:
    mails = (
        Delivery.select(Delivery.state, fn.COUNT(Delivery.id))
        .where(Delivery.batch == batch, is_newest_mail(of_batch=True))
        .group_by(Delivery.state)
    )
    # Spells out every priority, so that SQLite uses the index of queued mail.
    not_due = deliveries.IS_QUEUED & Delivery.priority.in_(list(Priority)) & (Delivery.due_at > now)
    mailed = Invitation.id.in_(Delivery.select(Delivery.invitation).where(Delivery.batch == batch))
    return Progress(
        mails=dict.fromkeys(DeliveryState, 0) | {DeliveryState(s): n for s, n in db.tuples(mails)},
        people=statuses(mailed, now),
        undelivered=_newest(
            batch, Delivery.state.in_((DeliveryState.FAILED, DeliveryState.BOUNCED))
        ),
        deferred=_newest(batch, not_due & (Delivery.attempts > 0)),
        not_due=int(Delivery.select().where(Delivery.batch == batch, not_due).count()),
        per_minute=_per_minute(batch, now),
        retriable=int(retriable(batch, now).count()),
        on_hold=int(on_hold(batch, now).count()),
        unneeded=_unneeded(batch),
        without_authority=int(
            Invitation.select().where(mailed, authority.without_authority(now)).count()
        ),
    )


def people_of(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many people were or will be mailed, by batch id."""
    is_included = Delivery.batch.in_(batch_ids)
    return _by_batch(fn.COUNT(Delivery.invitation.distinct()), is_included)


def sent_mails_of(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many mails were sent, by batch id."""
    is_sent = Delivery.state == DeliveryState.SENT
    return _by_batch(fn.COUNT(Delivery.id), Delivery.batch.in_(batch_ids) & is_sent)


def undelivered_to(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many people haven't answered and have a failed mail or one on hold, by batch id."""
    has_failed = Delivery.state.in_((DeliveryState.FAILED, DeliveryState.BOUNCED))
    is_on_hold = Delivery.reply_text == deliveries.ON_HOLD
    is_withdrawn = Delivery.state == DeliveryState.WITHDRAWN
    is_open = Invitation.select().where(
        Invitation.id == Delivery.invitation, Invitation.state == InvitationState.PENDING
    )
    which = Delivery.batch.in_(batch_ids) & (has_failed | is_withdrawn & is_on_hold)
    which &= fn.EXISTS(is_open) & is_newest_mail(of_batch=True)
    return _by_batch(fn.COUNT(Delivery.id), which)


def _by_batch(count: Any, which: Any) -> dict[int, int]:
    counted = Delivery.select(Delivery.batch, count).where(which).group_by(Delivery.batch)
    return dict(db.tuples(counted))


def retriable(batch: Batch, now: datetime) -> Any:
    """A query for the ids of failed and unknown mails to people who can still accept."""
    is_retriable = Delivery.state.in_((DeliveryState.FAILED, DeliveryState.UNKNOWN))
    return _still_needed(batch, is_retriable, now)


def on_hold(batch: Batch, now: datetime) -> Any:
    """A query for the ids of mails on hold to people who can still accept."""
    is_on_hold = Delivery.reply_text == deliveries.ON_HOLD
    return _still_needed(batch, (Delivery.state == DeliveryState.WITHDRAWN) & is_on_hold, now)


def total_on_hold(now: datetime) -> int:
    batch_ids = Delivery.select(Delivery.batch).where(Delivery.reply_text == deliveries.ON_HOLD)
    batches = Batch.select(Batch.id).where(Batch.id.in_(batch_ids))
    return sum(int(on_hold(batch, now).count()) for batch in batches)


def _still_needed(batch: Batch, which: Any, now: datetime) -> Any:
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
            Delivery.batch == batch,
            which,
            Batch.state != BatchState.CANCELED,
            Invitation.role <= Batch.role,
            Invitation.state == InvitationState.PENDING,
            Invitation.expires_at > now,
            is_newest_mail(),
        )
    )


def _unneeded(batch: Batch) -> int:
    found = (
        Delivery.select()
        .join(Invitation)
        .where(
            Delivery.batch == batch,
            Delivery.state == DeliveryState.WITHDRAWN,
            Invitation.state.in_((InvitationState.ACCEPTED, InvitationState.DECLINED)),
            is_newest_mail(of_batch=True),
        )
    )
    return int(found.count())


def _per_minute(batch: Batch, now: datetime) -> float:
    """Over the last 30 seconds, or since the first mail in them."""
    finished = Delivery.finished_at
    count, first = (
        Delivery.select(fn.COUNT(Delivery.id), fn.MIN(finished))
        .where(
            Delivery.batch == batch,
            Delivery.state == DeliveryState.SENT,
            finished > now - _RECENTLY,
        )
        .scalar(as_tuple=True)
    )
    seconds = (now - first).total_seconds() if first else 0.0
    return (count - 1) * 60 / seconds if seconds >= 1.0 else 0.0


def statuses(which: Any, now: datetime) -> dict[InvitationStatus, int]:
    """``which``: a condition on invitations."""
    status = Invitation.status_at(now)
    counted = Invitation.select(status, fn.COUNT(Invitation.id)).where(which).group_by(status)
    return dict.fromkeys(InvitationStatus, 0) | {
        InvitationStatus(s): n for s, n in db.tuples(counted)
    }


def is_newest_mail(*, of_batch: bool = False) -> Any:
    """A condition: no later mail exists for the same invitation (of the same batch)."""
    later = Delivery.alias()
    is_later = (later.invitation == Delivery.invitation) & (later.id > Delivery.id)
    if of_batch:
        is_later &= db.unindexed(later.batch) == Delivery.batch
    return ~fn.EXISTS(later.select(later.id).where(is_later))


def _newest(batch: Batch, which: Any) -> list[Delivery]:
    return list(
        Delivery.select(Delivery, Invitation)
        .join(Invitation)
        .where(Delivery.batch == batch, which, is_newest_mail(of_batch=True))
        .order_by(Delivery.id.desc())
        .limit(_SHOWN)
    )
