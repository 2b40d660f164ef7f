"""Answering an invitation: accept with a new or an existing profile, or decline."""

from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.authority import has_authority, may_copy
from invites.core.addresses import is_same_mailbox, spellings
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
from invites.people import confirmation, email_tokens, profiles
from invites.people.confirmation import CheckedPassword
from invites.people.profiles import NewProfile


def refusal(invitation: Invitation, copier: Membership | None, now: datetime) -> Reason | None:
    """Why nobody can accept: LINK_CLOSED, INVITATION_CLOSED or INVITER_WITHOUT_AUTHORITY.

    ``copier``: the member who copied the link; None for a mailed link, or without a link.
    """
    if copier is not None and not may_copy(copier, invitation):
        return Reason.LINK_CLOSED
    if not invitation.is_open(now):
        return Reason.INVITATION_CLOSED
    return None if has_authority(invitation) else Reason.INVITER_WITHOUT_AUTHORITY


def accept(
    invitation: Invitation, user: User, now: datetime, *, copier: Membership | None = None
) -> Membership:
    """Makes ``user`` a member with the role of the invitation, in one transaction.

    A role above User takes effect once their address is confirmed. Raises RuleError(WRONG_PERSON)
    and the reasons of ``refusal``.
    """
    with db.transaction():
        if not is_same_mailbox(user.email, invitation.email):
            raise RuleError(Reason.WRONG_PERSON)
        reason = refusal(invitation, copier, now)
        if reason is not None:
            raise RuleError(reason)
        _close(invitation, InvitationState.ACCEPTED, now)
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


def accept_and_confirm(
    invitation: Invitation, checked: CheckedPassword, now: datetime
) -> Membership:
    """For a person with an unconfirmed address who opened the mailed link.

    Raises what ``accept`` and ``confirmation.confirm`` raise.
    """
    with db.transaction():
        user = confirmation.confirm(checked, checked.user.email, now)
        return accept(invitation, user, now)


def accept_as_new(
    invitation: Invitation,
    profile: NewProfile,
    now: datetime,
    *,
    copier: Membership | None = None,
) -> Membership:
    """Creates a profile for the invited address and accepts, in one transaction.

    With a copied link, the profile is unconfirmed and a confirmation email is sent. Raises
    RuleError(PROFILE_EXISTS) and what ``accept`` raises.
    """
    if profile.email != invitation.email:
        raise RuleError(Reason.WRONG_PERSON)
    with db.transaction():
        user = profiles.create(profile, now, confirmed=copier is None)
        membership = accept(invitation, user, now, copier=copier)
        if copier is not None:
            email_tokens.send_link(user, EmailTokenPurpose.CONFIRM_EMAIL, user.email, now)
    return membership


def decline(invitation: Invitation, now: datetime, *, copier: Membership | None = None) -> None:
    """The person can still accept until the invitation expires.

    Raises RuleError(INVITATION_CLOSED, LINK_CLOSED).
    """
    with db.transaction():
        if copier is not None and not may_copy(copier, invitation):
            raise RuleError(Reason.LINK_CLOSED)
        if Invitation.get_by_id(invitation.id).state == InvitationState.DECLINED:
            return
        _close(invitation, InvitationState.DECLINED, now)
        details = {"email": invitation.email, "proven": copier is None}
        audit_log.record(AuditAction.DECLINED, invitation.account, None, now, **details)


def open_invitations(user: User, now: datetime) -> list[Invitation]:
    """Oldest first, declined ones last. Empty for an unconfirmed address."""
    if not user.is_confirmed:
        return []
    still_open = (
        Invitation.with_account_and_inviter()
        .where(Invitation.email.in_(spellings([user.email])), Invitation.open_condition(now))
        .order_by(Invitation.state == InvitationState.DECLINED, Invitation.id)
    )
    return list(still_open)


def has_unanswered(user: User, now: datetime) -> bool:
    offers = open_invitations(user, now)
    return any(offer.state == InvitationState.PENDING for offer in offers)


def find(invitation_id: int, user: User) -> Invitation | None:
    """None unless it is to the person's confirmed address. Then no link is needed to answer."""
    invitation: Invitation | None = Invitation.get_or_none(
        Invitation.id == invitation_id, Invitation.email.in_(spellings([user.email]))
    )
    return invitation if user.is_confirmed else None


def _close(invitation: Invitation, state: InvitationState, now: datetime) -> None:
    """Raises RuleError(INVITATION_CLOSED) for the second of two simultaneous answers."""
    changed = (
        Invitation.update(state=state, answered_at=now)
        .where(Invitation.id == invitation.id, Invitation.open_condition(now))
        .execute()
    )
    if changed != 1:
        raise RuleError(Reason.INVITATION_CLOSED)
