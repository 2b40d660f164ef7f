"""Accounts that require two-step verification of Moderators and above."""

from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.members import accounts
from invites.models import Account, Membership, SecurityEvent, User
from invites.people import security_notices, two_step


def require(actor: Membership, required: bool, now: datetime) -> None:
    """Raises RuleError(TWO_STEP_FIRST) if ``actor`` would lock themselves out, and NOT_ALLOWED."""
    with db.transaction():
        authorize(actor, Action.CHANGE_SETTINGS)
        account = actor.account
        was_required = Account.get_by_id(account.id).requires_two_step
        if required and not was_required and not two_step.is_on(actor.user):
            raise RuleError(Reason.TWO_STEP_FIRST)
        account.requires_two_step = required
        if required == was_required:
            return
        account.save(only=[Account.requires_two_step])
        action = AuditAction.TWO_STEP_REQUIRED if required else AuditAction.TWO_STEP_OPTIONAL
        audit_log.record(action, account, actor.user, now)
        for user in members_without(account) if required else ():
            security_notices.send_once_an_hour(user, SecurityEvent.TWO_STEP_REQUIRED, now)


def must_set_up(membership: Membership) -> bool:
    return (
        membership.account.requires_two_step
        and membership.effective_role > Role.USER
        and not two_step.is_on(membership.user)
    )


def notify_if_must_set_up(membership: Membership, now: datetime) -> None:
    if must_set_up(membership):
        security_notices.send_once_an_hour(membership.user, SecurityEvent.TWO_STEP_REQUIRED, now)


def requiring_accounts(user: User) -> list[Account]:
    """Accounts that require two-step verification of the person, sorted by name."""
    return [
        one.account
        for one in accounts.memberships_of(user)
        if one.account.requires_two_step and one.effective_role > Role.USER
    ]


def closed_accounts(user: User) -> list[Account]:
    """Accounts that the person can't open until they set up two-step verification."""
    return [] if two_step.is_on(user) else requiring_accounts(user)


def members_without(account: Account) -> list[User]:
    """Confirmed Moderators and above without two-step verification, sorted by name."""
    return list(
        User.select()
        .join(Membership)
        .where(
            Membership.account == account,
            Membership.role > Role.USER,
            Membership.deactivated_at.is_null(),
            User.email_confirmed_at.is_null(False),
            two_step.is_off_for_user(),
        )
        .order_by(db.folded(User.name), User.id)
    )
