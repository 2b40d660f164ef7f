"""The members of an account: joining, roles, deactivating, leaving."""

from datetime import datetime
from typing import Any

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import manage, unsubscribe
from invites.members import two_step_policy
from invites.models import Account, Invitation, InvitationState, JoinedBy, Membership, User
from invites.people import confirmation


def find(account: Account, user: User) -> Membership | None:
    """Active or not."""
    return Membership.get_or_none(Membership.account == account, Membership.user == user)


def owners(account: Account) -> list[User]:
    """Active ones with a confirmed address, in the order in which they first joined."""
    is_owner = _is_owner_of(account.id)
    return list(User.select().join(Membership).where(is_owner).order_by(Membership.id))


def join(
    account: Account,
    user: User,
    role: Role,
    now: datetime,
    *,
    joined_by: JoinedBy,
    invitation: Invitation | None = None,
) -> Membership:
    """An active member keeps their role; an inactive one is reactivated with ``role``.

    Subscribes a confirmed address again. Call it in a transaction.
    """
    if user.is_confirmed:  # otherwise anybody could subscribe other people again
        unsubscribe.resubscribe(account, user.email, now)
    membership = find(account, user)
    if membership is None:
        return Membership.create(
            account=account,
            user=user,
            role=role,
            joined_by=joined_by,
            invitation=invitation,
            joined_at=now,
        )
    if not membership.is_active:
        membership.role = role
        membership.joined_by = joined_by
        membership.invitation = invitation
        membership.joined_at = now
        membership.deactivated_at = None
        membership.save()
    return membership


def change_role(actor: Membership, membership: Membership, role: Role, now: datetime) -> None:
    """Notifies a member who has to set up two-step verification for the new role.

    Raises RuleError(NOT_ALLOWED); MEMBER_UNCONFIRMED if a member with an unconfirmed address would
    get a higher role; LAST_OWNER if the account would have no Account Owner.
    """
    with db.transaction():
        membership = _fresh(membership)
        authorize(actor, Action.CHANGE_ROLE, membership)
        authorize(actor, Action.CHANGE_ROLE, role)
        if not membership.is_active:
            raise RuleError(Reason.NOT_FOUND)
        if role == membership.role:
            return
        if reason := why_not(membership, role):
            raise RuleError(reason)
        before, membership.role = membership.role, role
        membership.save(only=[Membership.role])
        two_step_policy.notify_if_must_set_up(membership, now)
        _record(AuditAction.ROLE_CHANGED, membership, actor.user, now, before=before, after=role)


def why_not(membership: Membership, role: Role) -> Reason | None:
    """Why the member can't get this role, no matter who grants it."""
    if role > membership.role and not membership.user.is_confirmed:
        return Reason.MEMBER_UNCONFIRMED
    if role != Role.OWNER and is_last_owner(membership):
        return Reason.LAST_OWNER
    return None


def resend_confirmation(actor: Membership, membership: Membership, now: datetime) -> None:
    """Does nothing if the address is confirmed by now. Raises RuleError(TOO_MANY_LINKS)."""
    with db.transaction():
        membership = _fresh(membership)
        authorize(actor, Action.CHANGE_ROLE, membership)
        if not membership.user.is_confirmed:
            confirmation.send_link(membership.user, now)


def deactivate(actor: Membership, membership: Membership, now: datetime) -> None:
    """Takes effect on the member's next request.

    Revokes open invitations to them that ``actor`` may manage. Raises RuleError(NOT_ALLOWED), or
    LAST_OWNER if the account would have no Account Owner.
    """
    with db.transaction():
        membership = _fresh(membership)
        authorize(actor, Action.REMOVE_MEMBER, membership)
        if not membership.is_active:
            return
        _end(membership, now)
        manage.revoke_invitations(actor, membership.user)
        _record(AuditAction.DEACTIVATED, membership, actor.user, now)


def leave(member: Membership, now: datetime) -> None:
    """Revokes open invitations to them if they are confirmed. Raises RuleError(LAST_OWNER)."""
    with db.transaction():
        member = _fresh(member)
        if not member.is_active:
            return
        _end(member, now)
        manage.close_invitations(member.account_id, member.user, InvitationState.REVOKED)
        _record(AuditAction.LEFT, member, member.user, now)


def is_last_owner(member: Membership) -> bool:
    is_other_owner = _is_owner_of(member.account_id) & (Membership.id != member.id)
    other_owners = Membership.select().join(User).where(is_other_owner)
    return member.effective_role == Role.OWNER and not other_owners.exists()


def reactivate(actor: Membership, membership: Membership, now: datetime) -> None:
    """The member gets their former role back. Raises RuleError(NOT_ALLOWED)."""
    with db.transaction():
        membership = _fresh(membership)
        authorize(actor, Action.REMOVE_MEMBER, membership)
        if membership.is_active:
            return
        Membership.update(deactivated_at=None).where(Membership.id == membership.id).execute()
        two_step_policy.notify_if_must_set_up(membership, now)
        _record(AuditAction.REACTIVATED, membership, actor.user, now)


def _is_owner_of(account_id: int) -> Any:
    """A condition for memberships joined with users: active, with a confirmed address."""
    return (
        (Membership.account == account_id)
        & (Membership.role == Role.OWNER)
        & Membership.deactivated_at.is_null()
        & User.email_confirmed_at.is_null(False)
    )


def _fresh(membership: Membership) -> Membership:
    """Rereads the row, which may have changed. Call it in a transaction."""
    return Membership.with_account_and_user().where(Membership.id == membership.id).get()


def _end(membership: Membership, now: datetime) -> None:
    if is_last_owner(membership):
        raise RuleError(Reason.LAST_OWNER)
    Membership.update(deactivated_at=now).where(Membership.id == membership.id).execute()


def _record(
    action: AuditAction, membership: Membership, actor: User, now: datetime, **details: Any
) -> None:
    email = membership.user.email
    audit_log.record(action, membership.account, actor, now, email=email, **details)
