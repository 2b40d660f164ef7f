"""How far a batch is: where its people stand, and where the newest mail to each stands."""

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
)
from invites.outbox import enqueue
from invites.outbox.enqueue import Priority

_SHOWN = 20
_LATELY = timedelta(seconds=30)


@dataclass(frozen=True)
class Progress:
    """The totals of a batch. Both count people: of several mails to one, the newest.

    ``undelivered``: the newest mails that failed or came back; ``put_off``: the newest that
    the mail server put off, and ``later``: how many wait for a later moment; ``retriable``:
    how many could be tried anew; ``on_hold``: how many waited in a restored backup, to
    people who can still accept; ``unneeded``: how many didn't go out, to people who had
    answered by then; ``without_authority``: how many look as if they could accept, and can't, see
    ``backing``.
    """

    mails: dict[DeliveryState, int]
    people: dict[InvitationStatus, int]
    undelivered: list[Delivery]
    put_off: list[Delivery]
    later: int
    per_minute: float
    retriable: int
    on_hold: int
    unneeded: int
    without_authority: int

    @property
    def minutes_left(self) -> float | None:
        """How long the rest takes at the present speed; None while nothing moves.

        Mails that were put off have a time of their own, whatever the speed was.
        """
        soon = self.waiting - self.later
        return soon / self.per_minute if soon > 0 and self.per_minute else None

    @property
    def total(self) -> int:
        """All people."""
        return sum(self.people.values())

    @property
    def waiting(self) -> int:
        """Mails that are yet to go out."""
        return self.mails[DeliveryState.QUEUED] + self.mails[DeliveryState.SENDING]

    @property
    def sent(self) -> int:
        """Mails that the mail server took."""
        return self.mails[DeliveryState.SENT]

    @property
    def failed(self) -> int:
        """Mails that the mail server refused for good, or that came back later."""
        return self.mails[DeliveryState.FAILED] + self.mails[DeliveryState.BOUNCED]

    @property
    def withdrawn(self) -> int:
        """Mails that somebody took back, or whose invitation ran out."""
        return self.mails[DeliveryState.WITHDRAWN] - self.on_hold - self.unneeded

    @property
    def moves(self) -> bool:
        """Whether somebody may still be mailed or answer, without anybody's doing here."""
        return bool(self.waiting or self.people[InvitationStatus.PENDING])


def of_batch(batch: Batch, now: datetime) -> Progress:
    """The progress of ``batch`` at ``now``."""
    mails = (
        Delivery.select(Delivery.state, fn.COUNT(Delivery.id))
        .where(Delivery.batch == batch, is_newest_mail(of_batch=True))
        .group_by(Delivery.state)
    )
    # Of every priority, spelt out: so few are read, by the index of what waits.
    put_off = enqueue.IS_QUEUED & Delivery.priority.in_(list(Priority)) & (Delivery.due_at > now)
    mailed = Invitation.id.in_(Delivery.select(Delivery.invitation).where(Delivery.batch == batch))
    return Progress(
        mails=dict.fromkeys(DeliveryState, 0) | {DeliveryState(s): n for s, n in db.tuples(mails)},
        people=statuses(mailed, now),
        undelivered=_newest(
            batch, Delivery.state.in_((DeliveryState.FAILED, DeliveryState.BOUNCED))
        ),
        put_off=_newest(batch, put_off & (Delivery.attempts > 0)),
        later=int(Delivery.select().where(Delivery.batch == batch, put_off).count()),
        per_minute=_per_minute(batch, now),
        retriable=int(retriable(batch, now).count()),
        on_hold=int(on_hold(batch, now).count()),
        unneeded=_unneeded(batch),
        without_authority=int(
            Invitation.select().where(mailed, authority.without_authority(now)).count()
        ),
    )


def people_of(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many people each batch mailed or will mail."""
    counted = (
        Delivery.select(Delivery.batch, fn.COUNT(Delivery.invitation.distinct()))
        .where(Delivery.batch.in_(batch_ids))
        .group_by(Delivery.batch)
    )
    return dict(db.tuples(counted))


def mails_out_of(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many mails of each batch the mail server took."""
    counted = (
        Delivery.select(Delivery.batch, fn.COUNT(Delivery.id))
        .where(Delivery.batch.in_(batch_ids), Delivery.state == DeliveryState.SENT)
        .group_by(Delivery.batch)
    )
    return dict(db.tuples(counted))


def retriable(batch: Batch, now: datetime) -> Any:
    """The ids of mails that failed, or whose fate nobody knows, to people who can still accept."""
    return _still_wanted(
        batch, Delivery.state.in_((DeliveryState.FAILED, DeliveryState.UNKNOWN)), now
    )


def on_hold(batch: Batch, now: datetime) -> Any:
    """The ids of mails that waited in a restored backup, to people who can still accept."""
    is_on_hold = Delivery.reply_text == enqueue.ON_HOLD
    return _still_wanted(batch, (Delivery.state == DeliveryState.WITHDRAWN) & is_on_hold, now)


def total_on_hold(now: datetime) -> int:
    """How many mails wait so, over all batches."""
    waiting = Delivery.select(Delivery.batch).where(Delivery.reply_text == enqueue.ON_HOLD)
    batches = Batch.select(Batch.id).where(Batch.id.in_(waiting))
    return sum(int(on_hold(batch, now).count()) for batch in batches)


def _still_wanted(batch: Batch, which: Any, now: datetime) -> Any:
    """The ids of those mails of ``which`` that are each the newest of an open invitation.

    None of a batch that was canceled; and none to somebody whom the list only reminds of
    an invitation to a higher role, for who may steer the batch may not mail that one.
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
    """How many mails didn't go out, as the person answered meanwhile."""
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
    """How many mails a minute were taken lately; 0.0 when none was."""
    finished = Delivery.finished_at
    count, first = (
        Delivery.select(fn.COUNT(Delivery.id), fn.MIN(finished))
        .where(
            Delivery.batch == batch, Delivery.state == DeliveryState.SENT, finished > now - _LATELY
        )
        .scalar(as_tuple=True)
    )
    seconds = (now - first).total_seconds() if first else 0.0
    return (count - 1) * 60 / seconds if seconds >= 1.0 else 0.0  # from the first one on


def statuses(whose: Any, now: datetime) -> dict[InvitationStatus, int]:
    """How many of the invitations that fit the condition ``whose`` stand where at ``now``."""
    status = Invitation.status_at(now)
    counted = Invitation.select(status, fn.COUNT(Invitation.id)).where(whose).group_by(status)
    return dict.fromkeys(InvitationStatus, 0) | {
        InvitationStatus(s): n for s, n in db.tuples(counted)
    }


def is_newest_mail(*, of_batch: bool = False) -> Any:
    """The condition that no later mail was made for the same invitation, or none by its batch."""
    later = Delivery.alias()
    is_later = (later.invitation == Delivery.invitation) & (later.id > Delivery.id)
    if of_batch:
        is_later &= db.unindexed(later.batch) == Delivery.batch
    return ~fn.EXISTS(later.select(later.id).where(is_later))


def _newest(batch: Batch, which: Any) -> list[Delivery]:
    """The newest mails of a batch that fit the condition ``which``, and their invitations."""
    return list(
        Delivery.select(Delivery, Invitation)
        .join(Invitation)
        .where(Delivery.batch == batch, which, is_newest_mail(of_batch=True))
        .order_by(Delivery.id.desc())
        .limit(_SHOWN)
    )
