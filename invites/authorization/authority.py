"""Authority: whether an inviter may still grant the role of an invitation.

Checked whenever an invitation is used, so nothing is written when an inviter leaves or is demoted.
If they get their role back, their invitations work again. The same is true of copied links and the
members who copied them.
"""

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from peewee import fn

from invites.authorization.permissions import HIGHEST_GRANTABLE, Action, fresh, is_allowed
from invites.models import Invitation, Membership, User


def has_authority(invitation: Invitation) -> bool:
    inviter = (
        Membership.select(Membership, User)
        .join(User)
        .where(
            Membership.account == invitation.account_id, Membership.user == invitation.inviter_id
        )
        .get_or_none()
    )
    return inviter is not None and is_allowed(inviter, Action.INVITE, invitation.role)


def may_copy(copier: Membership, invitation: Invitation) -> bool:
    """Checked again when the copied link is used: it works only as long as this is true."""
    return is_allowed(fresh(copier), Action.MANAGE_INVITATION, invitation)


def without_authority(now: datetime) -> Any:
    """A query condition that matches open invitations whose inviter has lost the authority."""
    inviter, person = Membership.alias(), User.alias()
    may_grant = [
        (inviter.role == role) & (Invitation.role <= highest)
        for role, highest in HIGHEST_GRANTABLE.items()
        if highest is not None
    ]
    with_authority = (
        inviter.select(inviter.id)
        .join(person, on=(inviter.user == person.id))
        .where(
            inviter.account == Invitation.account,
            inviter.user == Invitation.inviter,
            inviter.deactivated_at.is_null(),
            person.email_confirmed_at.is_null(False),
            reduce(or_, may_grant),
        )
    )
    return Invitation.open_condition(now) & ~fn.EXISTS(with_authority)


def count_without_authority(inviter: Membership, now: datetime) -> int:
    """Counts open invitations only."""
    sent = (Invitation.account == inviter.account_id) & (Invitation.inviter == inviter.user_id)
    return int(Invitation.select().where(sent, without_authority(now)).count())
