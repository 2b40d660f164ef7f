"""Mailing many pending invitations again: a choice when they stand in a list that is sent."""

from collections.abc import Sequence
from datetime import datetime

from invites import db
from invites.authorization.permissions import grantable_roles
from invites.core.roles import Role
from invites.models import Delivery, Invitation, InvitationState, Membership
from invites.outbox.enqueue import IS_QUEUED, IS_SENDING


def renew(
    actor: Membership, emails: Sequence[str], role: Role, now: datetime, expires_at: datetime
) -> tuple[list[int], list[tuple[str, str]]]:
    """Renew the pending invitations of these addresses; returns the ids of those to mail again.

    And address and name of those who were offered another role: their invitations are
    replaced, so that they can be invited with this one. Not those whose last mail waits, or
    whose role is beyond ``actor``. Whoever mails somebody again stands behind the
    invitation from then on. In the caller's transaction, which has judged that nobody was
    mailed too often.
    """
    waiting = Delivery.select(Delivery.invitation).where(IS_QUEUED | IS_SENDING)
    found = Invitation.select(
        Invitation.id, Invitation.role, Invitation.email, Invitation.name
    ).where(
        db.beside(Invitation.account) == actor.account_id,
        db.among(Invitation.email, emails),
        Invitation.state == InvitationState.PENDING,
        Invitation.expires_at > now,
        Invitation.role.in_(grantable_roles(actor)),
        Invitation.id.not_in(waiting.where(Delivery.invitation.is_null(False))),
    )
    rows = db.tuples(found.order_by(Invitation.id))
    same = [number for number, offered, _email, _name in rows if offered == role]
    other = [number for number, offered, _email, _name in rows if offered != role]
    Invitation.update(expires_at=expires_at, inviter=actor.user_id).where(
        db.among(Invitation.id, same)
    ).execute()
    Invitation.update(state=InvitationState.REPLACED).where(
        db.among(Invitation.id, other)
    ).execute()
    return same, [(email, name) for _number, offered, email, name in rows if offered != role]
