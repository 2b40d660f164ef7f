"""How far a batch is: where its mails stand, and where its people stand."""

from dataclasses import dataclass

from peewee import fn

from invites import db
from invites.models import Batch, Delivery, DeliveryState, Invitation, InvitationState

_SHOWN_FAILURES = 20


@dataclass(frozen=True)
class Progress:
    """The totals of a batch. Mails count deliveries, people count invitations."""

    mails: dict[DeliveryState, int]
    people: dict[InvitationState, int]
    troubled: list[Delivery]

    @property
    def invited(self) -> int:
        """All people."""
        return sum(self.people.values())

    @property
    def total(self) -> int:
        """All mails."""
        return sum(self.mails.values())

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


def of_batch(batch: Batch) -> Progress:
    """The progress of ``batch`` as it is now."""
    mails = (
        Delivery.select(Delivery.state, fn.COUNT(Delivery.id))
        .where(Delivery.batch == batch)
        .group_by(Delivery.state)
    )
    people = (
        Invitation.select(Invitation.state, fn.COUNT(Invitation.id))
        .where(Invitation.batch == batch)
        .group_by(Invitation.state)
    )
    return Progress(
        mails=dict.fromkeys(DeliveryState, 0) | {DeliveryState(s): n for s, n in db.tuples(mails)},
        people=dict.fromkeys(InvitationState, 0)
        | {InvitationState(s): n for s, n in db.tuples(people)},
        troubled=_troubled(batch),
    )


def _troubled(batch: Batch) -> list[Delivery]:
    """The newest mails that failed, came back, or were put off by the mail server."""
    return list(
        Delivery.select()
        .where(
            Delivery.batch == batch,
            Delivery.state.in_((DeliveryState.FAILED, DeliveryState.BOUNCED))
            | ((Delivery.state == DeliveryState.QUEUED) & (Delivery.attempts > 0)),
        )
        .order_by(Delivery.id.desc())
        .limit(_SHOWN_FAILURES)
    )
