"""Resends, corrects, revokes and restores invitations."""

from collections.abc import Sequence
from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.authority import has_authority
from invites.authorization.permissions import Action, authorize, grantable_roles
from invites.core.addresses import spellings
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import quotas, send_invitations, unsubscribe
from invites.models import (
    OPEN_STATES,
    UNSENT_STATES,
    Batch,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    InvitationStatus,
    Membership,
    User,
)
from invites.outbox import batches, deliveries, enqueue


def resend(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Sends a pending or expired invitation again and renews it. Earlier links stay valid.

    If its inviter has lost the authority, nobody could accept it. In that case ``actor`` becomes
    the inviter, and a queued email is replaced.

    Raises RuleError: UNSUBSCRIBED, EMAIL_STILL_QUEUED, *_LIMIT, INVITATION_CLOSED or
    ALREADY_MEMBER.
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        _refuse_unsubscribed(invitation)
        inviter_id = invitation.inviter_id
        if not has_authority(invitation):
            inviter_id = actor.user_id
            _withdraw_queued(invitation, now)
        unsent = Delivery.select().where(
            Delivery.invitation == invitation, Delivery.state.in_(UNSENT_STATES)
        )
        if unsent.exists():
            raise RuleError(Reason.EMAIL_STILL_QUEUED)
        if quotas.over_recipient_limit(invitation.account_id, [invitation.email], now):
            raise RuleError(Reason.RECIPIENT_LIMIT, limit=quotas.MAILS_PER_ADDRESS)
        quotas.check_moderator_limit(actor, 1, now)
        quotas.check_sender_limits(invitation.account_id, 1, now)
        expires_at = now + send_invitations.LIFETIME
        _update(invitation, [InvitationState.PENDING], inviter=inviter_id, expires_at=expires_at)
        membership = _membership(invitation)
        if membership is not None and membership.is_active:
            raise RuleError(Reason.ALREADY_MEMBER)
        enqueue.queue_invitation(invitation, now)
        _record(AuditAction.RESENT, actor, invitation, now)


def revoke(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Revokes a pending or declined invitation. The worker then withdraws its queued email.

    Raises RuleError(INVITATION_CLOSED).
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        _update(invitation, OPEN_STATES, state=InvitationState.REVOKED)
        _record(AuditAction.REVOKED, actor, invitation, now)


def correct(
    actor: Membership,
    invitation: Invitation,
    request: send_invitations.InvitationRequest,
    now: datetime,
) -> Batch:
    """Sends ``request`` because ``invitation`` has a wrong address, and revokes ``invitation``.

    Doesn't revoke it if it was accepted or closed meanwhile, or if ``request`` sends it again.
    Raises what ``send_invitations.send`` and ``revoke`` raise; then it sends nothing.
    """
    with db.transaction():
        batch = send_invitations.send(actor, request, now)
        is_open = Invitation.get_by_id(invitation.id).state in OPEN_STATES
        mailed_again = Delivery.select().where(
            Delivery.batch == batch, Delivery.invitation == invitation
        )
        if is_open and not mailed_again.exists():
            revoke(actor, invitation, now)
    return batch


def restore(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Undoes a revocation, and queues an email that was withdrawn because of it.

    Raises RuleError: UNSUBSCRIBED, ALREADY_MEMBER, or INVITATION_CLOSED if there is a newer
    invitation or the person is a removed member, who has to be invited again.
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        _refuse_unsubscribed(invitation)
        answered = Invitation.get_by_id(invitation.id).answered_at is not None
        before = InvitationState.DECLINED if answered else InvitationState.PENDING
        if _is_replaced(invitation):
            raise RuleError(Reason.INVITATION_CLOSED)
        _update(invitation, [InvitationState.REVOKED], state=before)
        membership = _membership(invitation)
        if membership is not None:
            active = membership.is_active
            raise RuleError(Reason.ALREADY_MEMBER if active else Reason.INVITATION_CLOSED)
        status = Invitation.get_by_id(invitation.id).status(now)
        if status is InvitationStatus.PENDING and _was_withdrawn(invitation):
            enqueue.queue_invitation(invitation, now)
        _record(AuditAction.RESTORED, actor, invitation, now)


def check_copyable(actor: Membership, invitation: Invitation) -> None:
    """Raises RuleError: NOT_ALLOWED, UNSUBSCRIBED or INVITER_WITHOUT_AUTHORITY."""
    authorize(actor, Action.MANAGE_INVITATION, invitation)
    _refuse_unsubscribed(invitation)
    if not has_authority(invitation):
        raise RuleError(Reason.INVITER_WITHOUT_AUTHORITY)


def close_invitations(account_id: int, member: User, state: InvitationState) -> None:
    """Does nothing for an unconfirmed address: anybody can claim one. Call it in a transaction."""
    if member.is_confirmed:
        _close_invitations(account_id, member, state, tuple(Role))


def revoke_invitations(actor: Membership, member: User) -> None:
    """Revokes only invitations to roles that ``actor`` can grant. Call it in a transaction."""
    roles = grantable_roles(actor)
    _close_invitations(actor.account_id, member, InvitationState.REVOKED, roles)


def _close_invitations(
    account_id: int, member: User, state: InvitationState, roles: Sequence[Role]
) -> None:
    Invitation.update(state=state).where(
        Invitation.account == account_id,
        Invitation.email.in_(spellings([member.email])),
        Invitation.state.in_(OPEN_STATES),
        Invitation.role.in_(roles),
    ).execute()


def _withdraw_queued(invitation: Invitation, now: datetime) -> None:
    is_queued = Delivery.state == DeliveryState.QUEUED
    deliveries.withdraw((Delivery.invitation == invitation) & is_queued, now)
    batches.advance()


def _was_withdrawn(invitation: Invitation) -> bool:
    """Whether its newest email was."""
    mails = Delivery.select().where(Delivery.invitation == invitation)
    newest: Delivery | None = mails.order_by(Delivery.id.desc()).first()
    return newest is not None and newest.state == DeliveryState.WITHDRAWN


def _refuse_unsubscribed(invitation: Invitation) -> None:
    if unsubscribe.is_unsubscribed(invitation):
        raise RuleError(Reason.UNSUBSCRIBED)


def _is_replaced(invitation: Invitation) -> bool:
    """Whether there is another pending invitation to the same mailbox."""
    others = Invitation.select().where(
        Invitation.account == invitation.account_id,
        Invitation.email.in_(spellings([invitation.email])),
        Invitation.id != invitation.id,
        Invitation.state == InvitationState.PENDING,
    )
    return bool(others.exists())


def _membership(invitation: Invitation) -> Membership | None:
    return (
        Membership.select()
        .join(User)
        .where(
            Membership.account == invitation.account_id,
            User.email.in_(spellings([invitation.email])),
        )
        .get_or_none()
    )


def _update(invitation: Invitation, states: Sequence[InvitationState], **changes: object) -> None:
    """Raises RuleError(INVITATION_CLOSED) unless the invitation is in one of ``states``."""
    update = Invitation.update(**changes)
    if update.where(Invitation.id == invitation.id, Invitation.state.in_(states)).execute() != 1:
        raise RuleError(Reason.INVITATION_CLOSED)


def _record(action: AuditAction, actor: Membership, invitation: Invitation, now: datetime) -> None:
    audit_log.record(action, invitation.account, actor.user, now, email=invitation.email)
