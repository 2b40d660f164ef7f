"""Whether whoever sent an invitation still has the power that it hands on: asked when it is used.

Nothing is written when somebody leaves or loses a role, so nothing can be forgotten; and when
they have it again, what they offered holds again.
"""

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from peewee import fn

from invites.authorization.permissions import Action, is_allowed, reach
from invites.core.roles import Role
from invites.models import Invitation, Membership


def has_authority(invitation: Invitation) -> bool:
    """Whether the inviter may still invite as that role."""
    inviter = Membership.get_or_none(
        Membership.account == invitation.account_id, Membership.user == invitation.inviter_id
    )
    return inviter is not None and is_allowed(inviter, Action.INVITE, invitation.role)


def without_authority(now: datetime) -> Any:
    """The condition that an invitation looks open and can't be accepted: it isn't backed."""
    inviter = Membership.alias()
    powers = [
        (inviter.role == role) & (Invitation.role <= highest)
        for role in Role
        if (highest := reach(role)) is not None
    ]
    backs = inviter.select(inviter.id).where(
        inviter.account == Invitation.account,
        inviter.user == Invitation.inviter,
        inviter.deactivated_at.is_null(),
        reduce(or_, powers),
    )
    return Invitation.open_condition(now) & ~fn.EXISTS(backs)


def count_without_authority(inviter: Membership, now: datetime) -> int:
    """How many open invitations somebody sent who can't back them."""
    return int(
        Invitation.select()
        .where(
            Invitation.account == inviter.account_id,
            Invitation.inviter == inviter.user_id,
            without_authority(now),
        )
        .count()
    )
