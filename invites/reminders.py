"""Mailing many pending invitations again: a choice when they stand in a list that is sent."""

from collections.abc import Sequence
from datetime import datetime

from invites import db
from invites.access import grantable_roles
from invites.models import Delivery, Invitation, InvitationState, Membership
from invites.outbox import IN_HAND


def renew(
    actor: Membership, emails: Sequence[str], now: datetime, expires_at: datetime
) -> list[int]:
    """Renew the pending invitations of these addresses; returns the ids of those to mail again.

    Not those whose last mail waits, or whose role is beyond ``actor``. Whoever mails
    somebody again stands behind the invitation from then on. In the caller's
    transaction, which has judged that nobody was mailed too often.
    """
    waiting = Delivery.select(Delivery.invitation).where(Delivery.state.in_(IN_HAND))
    found = Invitation.select(Invitation.id).where(
        db.beside(Invitation.account) == actor.account_id,
        db.among(Invitation.email, emails),
        Invitation.state == InvitationState.PENDING,
        Invitation.expires_at > now,
        Invitation.role.in_(grantable_roles(actor)),
        Invitation.id.not_in(waiting.where(Delivery.invitation.is_null(False))),
    )
    ids = [number for (number,) in db.tuples(found.order_by(Invitation.id))]
    Invitation.update(expires_at=expires_at, inviter=actor.user_id).where(
        db.among(Invitation.id, ids)
    ).execute()
    return ids
