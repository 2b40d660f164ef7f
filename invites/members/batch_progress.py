"""A batch's progress: the status of its people, and of the newest mail to each."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from invites import db
from invites.authorization import authority
from invites.members.account_invitations import statuses
from invites.models import (
    Batch,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    InvitationStatus,
    Priority,
)
from invites.outbox import deliveries, requeue

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
        .where(Delivery.batch == batch, deliveries.is_newest_mail(of_batch=True))
        .group_by(Delivery.state)
    )
    # Spells out every priority, so that SQLite uses the index of queued mail.
    not_due = deliveries.IS_QUEUED & Delivery.priority.in_(list(Priority)) & (Delivery.due_at > now)
    mailed = Invitation.id.in_(Delivery.select(Delivery.invitation).where(Delivery.batch == batch))
    return Progress(
        mails=dict.fromkeys(DeliveryState, 0) | {DeliveryState(s): n for s, n in db.tuples(mails)},
        people=statuses(mailed, now),
        undelivered=_newest(batch, deliveries.HAS_FAILED),
        deferred=_newest(batch, not_due & (Delivery.attempts > 0)),
        not_due=int(Delivery.select().where(Delivery.batch == batch, not_due).count()),
        per_minute=_per_minute(batch, now),
        retriable=int(requeue.retriable(batch, now).count()),
        on_hold=int(requeue.on_hold(batch, now).count()),
        unneeded=_unneeded(batch),
        without_authority=int(
            Invitation.select().where(mailed, authority.without_authority(now)).count()
        ),
    )


def _unneeded(batch: Batch) -> int:
    found = (
        Delivery.select()
        .join(Invitation)
        .where(
            Delivery.batch == batch,
            Delivery.state == DeliveryState.WITHDRAWN,
            Invitation.state.in_((InvitationState.ACCEPTED, InvitationState.DECLINED)),
            deliveries.is_newest_mail(of_batch=True),
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


def _newest(batch: Batch, which: Any) -> list[Delivery]:
    return list(
        Delivery.select(Delivery, Invitation)
        .join(Invitation)
        .where(Delivery.batch == batch, which, deliveries.is_newest_mail(of_batch=True))
        .order_by(Delivery.id.desc())
        .limit(_SHOWN)
    )
