"""Accounts without an Account Owner: claimed by an Admin, or rescued by the operator."""

from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize, is_allowed
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.members import memberships, two_step_policy
from invites.models import Account, JoinedBy, Membership, User


def may_claim(member: Membership) -> bool:
    allowed = is_allowed(member, Action.CLAIM_OWNERSHIP)
    return allowed and not memberships.owners(member.account)


def claim(actor: Membership, now: datetime) -> None:
    """The first Admin wins. Raises RuleError(NOT_ALLOWED, HAS_OWNER)."""
    with db.transaction():
        authorize(actor, Action.CLAIM_OWNERSHIP)
        if memberships.owners(actor.account):
            raise RuleError(Reason.HAS_OWNER)
        _make_owner(actor)
        audit_log.record(AuditAction.OWNERSHIP_CLAIMED, actor.account, actor.user, now)


def rescue(account: Account, user: User, now: datetime) -> None:
    """For the operator. ``user`` may be anyone, with or without a membership.

    They are notified if they have to set up two-step verification. Raises
    RuleError(MEMBER_UNCONFIRMED): another person may have created the profile.
    """
    if not user.is_confirmed:
        raise RuleError(Reason.MEMBER_UNCONFIRMED)
    with db.transaction():
        membership = memberships.join(account, user, Role.OWNER, now, joined_by=JoinedBy.RESCUE)
        _make_owner(membership)
        two_step_policy.notify_if_must_set_up(membership, now)
        audit_log.record(
            AuditAction.OWNER_RESCUED, account, None, now, email=user.email, name=user.name
        )


def _make_owner(membership: Membership) -> None:
    membership.role = Role.OWNER
    membership.save(only=[Membership.role])
