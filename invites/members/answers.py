"""Answering an invitation: accept with a new or an existing profile, or decline."""

from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.authority import has_authority
from invites.core.errors import Reason, RuleError
from invites.invitations.manage import close_invitations
from invites.members import memberships
from invites.models import (
    EmailTokenPurpose,
    Invitation,
    InvitationState,
    JoinedBy,
    Membership,
    User,
)
from invites.people import email_tokens, profiles
from invites.people.profiles import NewProfile


def accept(
    invitation: Invitation, user: User, now: datetime, *, proven: bool = False
) -> Membership:
    """Makes ``user`` a member with the role of the invitation, in one transaction.

    ``proven``: the mailed link was used, so they read that mailbox. Raises RuleError(WRONG_PERSON,
    INVITATION_CLOSED, INVITER_WITHOUT_AUTHORITY).
    """
    with db.transaction():
        if user.email != invitation.email:
            raise RuleError(Reason.WRONG_PERSON)
        _close(invitation, InvitationState.ACCEPTED, now)
        if not has_authority(invitation):
            raise RuleError(Reason.INVITER_WITHOUT_AUTHORITY)
        if proven and not user.is_confirmed:
            user.email_confirmed_at = now
            user.save(only=[User.email_confirmed_at])
        membership = memberships.join(
            invitation.account,
            user,
            invitation.role,
            now,
            joined_by=JoinedBy.INVITATION,
            invitation=invitation,
        )
        close_invitations(invitation.account_id, user, InvitationState.REPLACED)
        audit_log.record(
            AuditAction.ACCEPTED, invitation.account, user, now, email=invitation.email
        )
    return membership


def accept_as_new(
    invitation: Invitation, profile: NewProfile, now: datetime, *, proven: bool
) -> Membership:
    """Creates a profile for the invited address and accepts, in one transaction.

    Unless ``proven`` (see ``accept``), the profile is unconfirmed and a confirmation mail is sent.
    Raises RuleError(PROFILE_EXISTS) and what ``accept`` raises.
    """
    if profile.email != invitation.email:
        raise RuleError(Reason.WRONG_PERSON)
    with db.transaction():
        user = profiles.create(profile, now, confirmed=proven)
        membership = accept(invitation, user, now, proven=proven)
        if not proven:
            email_tokens.send_link(user, EmailTokenPurpose.CONFIRM_EMAIL, user.email, now)
    return membership


def decline(invitation: Invitation, now: datetime, *, proven: bool = True) -> None:
    """The person can still accept until the invitation expires.

    ``proven``: False for a copied link, which the member who copied it may have opened. Raises
    RuleError(INVITATION_CLOSED).
    """
    with db.transaction():
        if Invitation.get_by_id(invitation.id).state == InvitationState.DECLINED:
            return
        _close(invitation, InvitationState.DECLINED, now)
        details = {"email": invitation.email, "proven": proven}
        audit_log.record(AuditAction.DECLINED, invitation.account, None, now, **details)


def open_invitations(user: User, now: datetime) -> list[Invitation]:
    """Oldest first, declined ones last. Empty for an unconfirmed address."""
    if not user.is_confirmed:
        return []
    still_open = (
        Invitation.with_account_and_inviter()
        .where(Invitation.email == user.email, Invitation.open_condition(now))
        .order_by(Invitation.state == InvitationState.DECLINED, Invitation.id)
    )
    return list(still_open)


def has_unanswered(user: User, now: datetime) -> bool:
    offers = open_invitations(user, now)
    return any(offer.state == InvitationState.PENDING for offer in offers)


def find(invitation_id: int, user: User) -> Invitation | None:
    """None unless it is to the person's confirmed address: then no link is needed to answer."""
    invitation: Invitation | None = Invitation.get_or_none(
        Invitation.id == invitation_id, Invitation.email == user.email
    )
    return invitation if user.is_confirmed else None


def _close(invitation: Invitation, state: InvitationState, now: datetime) -> None:
    """Refuses the second of two answers at the same time: RuleError(INVITATION_CLOSED)."""
    changed = (
        Invitation.update(state=state, answered_at=now)
        .where(Invitation.id == invitation.id, Invitation.open_condition(now))
        .execute()
    )
    if changed != 1:
        raise RuleError(Reason.INVITATION_CLOSED)
