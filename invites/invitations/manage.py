"""Looking after invitations that are out: resend, correct, revoke, restore."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from peewee import IntegrityError

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.authority import has_authority
from invites.authorization.permissions import Action, authorize, grantable_roles
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import quotas, send_invitations, unsubscribe
from invites.invitations.quotas import MAILS_PER_ADDRESS
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
    """Mail a pending or expired invitation again and renew its expiry; older mails keep working.

    Whoever resends the invitation of an inviter who left, or lost their role,
    becomes its inviter: else nobody could accept it. A mail of theirs that waits
    wouldn't go out any more, so another one takes its place.

    Raises RuleError(INVITATION_CLOSED, UNSUBSCRIBED), ALREADY_MEMBER when the person came in
    another way, EMAIL_STILL_QUEUED while its last mail hasn't gone out yet, or
    RECIPIENT_LIMIT after three mails in a day, or SENDER_LIMIT.
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        _respect_unsubscribe(invitation)
        is_taken_over = not has_authority(invitation)
        if is_taken_over:
            _withdraw_waiting(invitation, now)
        waiting = Delivery.select().where(
            Delivery.invitation == invitation,
            Delivery.state.in_(UNSENT_STATES),
        )
        if waiting.exists():
            raise RuleError(Reason.EMAIL_STILL_QUEUED)
        if quotas.over_daily_limit(invitation.account_id, [invitation.email], now):
            raise RuleError(Reason.RECIPIENT_LIMIT, limit=MAILS_PER_ADDRESS)
        quotas.check_daily_quota(invitation.account_id, 1, now)
        changes: dict[Any, Any] = {Invitation.expires_at: now + send_invitations.LIFETIME}
        if is_taken_over:
            changes[Invitation.inviter] = actor.user_id
        _change(invitation, (InvitationState.PENDING,), changes)
        invited = _membership(invitation)
        if invited is not None and invited.is_active:
            raise RuleError(Reason.ALREADY_MEMBER)
        enqueue.queue_invitation(invitation, now)
        audit_log.record(
            AuditAction.RESENT, invitation.account, actor.user, now, email=invitation.email
        )


def revoke(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Take an offer back, also from somebody who declined and might think again.

    A mail that still waits isn't sent. Raises RuleError(INVITATION_CLOSED).
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        _change(invitation, OPEN_STATES, {Invitation.state: InvitationState.REVOKED})
        audit_log.record(
            AuditAction.REVOKED, invitation.account, actor.user, now, email=invitation.email
        )


def correct(
    actor: Membership,
    invitation: Invitation,
    order: send_invitations.InvitationRequest,
    now: datetime,
) -> Batch:
    """Send ``order`` because the address of ``invitation`` is wrong, and revoke that one.

    It stays when it was answered meanwhile, or when ``order`` mails it again.
    Raises what issuing.issue and revoke do, and sends nothing then.
    """
    with db.transaction():
        batch = send_invitations.send(actor, order, now)
        is_open = Invitation.get_by_id(invitation.id).state in OPEN_STATES
        mailed_again = Delivery.select().where(
            Delivery.batch == batch, Delivery.invitation == invitation
        )
        if is_open and not mailed_again.exists():
            revoke(actor, invitation, now)
    return batch


def restore(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Undo a revocation; a mail that it kept from going out goes out after all.

    Raises RuleError(ALREADY_MEMBER, UNSUBSCRIBED), or INVITATION_CLOSED when a newer invitation
    is out, or when the person was a member and removed since: inviting them
    again is an act of its own.
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        _respect_unsubscribe(invitation)
        answered = Invitation.get_by_id(invitation.id).answered_at is not None
        before = InvitationState.DECLINED if answered else InvitationState.PENDING
        try:
            with db.transaction():
                _change(invitation, (InvitationState.REVOKED,), {Invitation.state: before})
        except IntegrityError:
            raise RuleError(Reason.INVITATION_CLOSED) from None
        invited = _membership(invitation)
        if invited is not None:
            active = invited.is_active
            raise RuleError(Reason.ALREADY_MEMBER if active else Reason.INVITATION_CLOSED)
        restored = Invitation.get_by_id(invitation.id)
        if restored.status(now) is InvitationStatus.PENDING and deliveries.was_withdrawn(
            invitation
        ):
            enqueue.queue_invitation(invitation, now)
        audit_log.record(
            AuditAction.RESTORED, invitation.account, actor.user, now, email=invitation.email
        )


def check_copyable(actor: Membership, invitation: Invitation) -> None:
    """For whoever hands its link over by other means than mail.

    Raises RuleError(UNSUBSCRIBED, INVITER_WITHOUT_AUTHORITY), or NOT_ALLOWED.
    """
    authorize(actor, Action.MANAGE_INVITATION, invitation)
    _respect_unsubscribe(invitation)
    if not has_authority(invitation):
        raise RuleError(Reason.INVITER_WITHOUT_AUTHORITY)


def close_offers(account_id: int, member: User, state: InvitationState) -> None:
    """Close what is still offered to somebody who came or went; in the caller's transaction.

    Nothing when they never proved their address: else anybody could close what is
    offered to it.
    """
    if member.is_confirmed:
        _close_offers(account_id, member, state, tuple(Role))


def revoke_offers(actor: Membership, member: User) -> None:
    """Take back what is still offered to somebody whom ``actor`` removes.

    As far as their reach goes. In the caller's transaction.
    """
    roles = grantable_roles(actor)
    _close_offers(actor.account_id, member, InvitationState.REVOKED, roles)


def _close_offers(
    account_id: int, member: User, state: InvitationState, roles: Sequence[Role]
) -> None:
    Invitation.update(state=state).where(
        Invitation.account == account_id,
        Invitation.email == member.email,
        Invitation.state.in_(OPEN_STATES),
        Invitation.role.in_(roles),
    ).execute()


def _withdraw_waiting(invitation: Invitation, now: datetime) -> None:
    """Take its mail out of the queue, and close the batch if that was the last one."""
    is_queued = Delivery.state == DeliveryState.QUEUED
    deliveries.withdraw((Delivery.invitation == invitation) & is_queued, now)
    batches.finish_if_done(invitation.batch)


def _respect_unsubscribe(invitation: Invitation) -> None:
    if unsubscribe.is_unsubscribed(invitation):
        raise RuleError(Reason.UNSUBSCRIBED)


def _membership(invitation: Invitation) -> Membership | None:
    """The membership of whoever has the invited address, active or not."""
    return (
        Membership.select()
        .join(User)
        .where(Membership.account == invitation.account_id, User.email == invitation.email)
        .get_or_none()
    )


def _change(
    invitation: Invitation, states: Sequence[InvitationState], changes: Mapping[Any, Any]
) -> None:
    changed = (
        Invitation.update(dict(changes))
        .where(Invitation.id == invitation.id, Invitation.state.in_(states))
        .execute()
    )
    if changed != 1:
        raise RuleError(Reason.INVITATION_CLOSED)
