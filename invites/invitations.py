"""Looking after invitations that are out: resend, revoke, restore."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import IntegrityError

from invites import activity, db, issuing, outbox
from invites.access import Action, authorize, is_allowed
from invites.activity import Deed
from invites.models import (
    Account,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    Membership,
    User,
)
from invites.refusals import Reason, Refused

_MAILS_A_DAY = 3
_OPEN = (InvitationState.PENDING, InvitationState.DECLINED)


def resend(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Mail a pending or expired invitation again and renew its expiry; older mails keep working.

    Whoever resends the invitation of an inviter who left, or lost their role,
    becomes its inviter: else nobody could accept it.

    Raises Refused(INVITATION_CLOSED), INVITATION_WAITING while its last mail
    hasn't gone out yet, or INVITATION_OFTEN after three mails in a day.
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        waiting = Delivery.select().where(
            Delivery.invitation == invitation,
            Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.SENDING)),
        )
        if waiting.exists():
            raise Refused(Reason.INVITATION_WAITING)
        lately = Delivery.select().where(
            Delivery.invitation == invitation, Delivery.created_at > now - timedelta(days=1)
        )
        if lately.count() >= _MAILS_A_DAY:
            raise Refused(Reason.INVITATION_OFTEN, limit=_MAILS_A_DAY)
        changes: dict[Any, Any] = {Invitation.expires_at: now + issuing.LIFETIME}
        if not is_backed(invitation):
            changes[Invitation.inviter] = actor.user_id
        _change(invitation, (InvitationState.PENDING,), changes)
        outbox.queue_invitation(invitation, now)
        activity.record(Deed.RESENT, invitation.account, actor.user, now, email=invitation.email)


def revoke(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Take an offer back, also from somebody who declined and might think again.

    A mail that still waits isn't sent. Raises Refused(INVITATION_CLOSED).
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        _change(invitation, _OPEN, {Invitation.state: InvitationState.REVOKED})
        activity.record(Deed.REVOKED, invitation.account, actor.user, now, email=invitation.email)


def restore(actor: Membership, invitation: Invitation, now: datetime) -> None:
    """Undo a revocation; a mail that it kept from going out goes out after all.

    Raises Refused(INVITATION_CLOSED) when a newer invitation is out, or when the
    person was a member and removed since: inviting them again is an act of its own.
    """
    with db.transaction():
        authorize(actor, Action.MANAGE_INVITATION, invitation)
        if _was_removed(invitation):
            raise Refused(Reason.INVITATION_CLOSED)
        answered = Invitation.get_by_id(invitation.id).answered_at is not None
        before = InvitationState.DECLINED if answered else InvitationState.PENDING
        try:
            with db.transaction():
                _change(
                    invitation,
                    (InvitationState.REVOKED,),
                    {Invitation.state: before},
                )
        except IntegrityError:
            raise Refused(Reason.INVITATION_CLOSED) from None
        if outbox.was_withdrawn(invitation):
            outbox.queue_invitation(invitation, now)
        activity.record(Deed.RESTORED, invitation.account, actor.user, now, email=invitation.email)


def replace_open(account: Account, member: User) -> None:
    """Close what is still offered to somebody who is a member now; in the caller's transaction."""
    Invitation.update(state=InvitationState.REPLACED).where(
        Invitation.account == account,
        Invitation.email == member.email,
        Invitation.state.in_(_OPEN),
    ).execute()


def _was_removed(invitation: Invitation) -> bool:
    return (
        Membership.select()
        .join(User)
        .where(
            Membership.account == invitation.account_id,
            Membership.deactivated_at.is_null(False),
            User.email == invitation.email,
        )
        .exists()
    )


def is_backed(invitation: Invitation) -> bool:
    """Whether the inviter still has the power that the invitation hands on."""
    inviter = Membership.get_or_none(
        Membership.account == invitation.account_id, Membership.user == invitation.inviter_id
    )
    return inviter is not None and is_allowed(inviter, Action.INVITE, invitation.role)


def _change(
    invitation: Invitation, states: Sequence[InvitationState], changes: Mapping[Any, Any]
) -> None:
    changed = (
        Invitation.update(dict(changes))
        .where(Invitation.id == invitation.id, Invitation.state.in_(states))
        .execute()
    )
    if changed != 1:
        raise Refused(Reason.INVITATION_CLOSED)
