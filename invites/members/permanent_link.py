"""An account's permanent link: enable, delete, and join with it, always as User."""

from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations.manage import close_invitations
from invites.members import memberships
from invites.models import (
    Account,
    EmailTokenPurpose,
    InvitationState,
    JoinedBy,
    Membership,
    PermanentLink,
    User,
)
from invites.people import email_tokens, profiles
from invites.people.profiles import NewProfile


def active(account: Account) -> PermanentLink | None:
    return PermanentLink.get_or_none(
        PermanentLink.account == account, PermanentLink.deleted_at.is_null()
    )


def enable(actor: Membership, now: datetime) -> PermanentLink:
    """Returns the account's link. Creates one if there is none."""
    with db.transaction():
        authorize(actor, Action.MANAGE_PERMANENT_LINK)
        link = active(actor.account)
        if link is None:
            link = PermanentLink.create(
                account=actor.account, role=Role.USER, creator=actor.user, created_at=now
            )
            audit_log.record(AuditAction.LINK_ENABLED, actor.account, actor.user, now)
    return link


def delete(actor: Membership, now: datetime) -> None:
    """Deletes the link, if there is one. It never works again."""
    with db.transaction():
        authorize(actor, Action.MANAGE_PERMANENT_LINK)
        deleted = (
            PermanentLink.update(deleted_at=now)
            .where(PermanentLink.account == actor.account, PermanentLink.deleted_at.is_null())
            .execute()
        )
        if deleted:
            audit_log.record(AuditAction.LINK_DELETED, actor.account, actor.user, now)


def join(link: PermanentLink, user: User, now: datetime) -> Membership:
    """Raises RuleError(LINK_CLOSED), or REMOVED_MEMBER for an inactive member."""
    with db.transaction():
        still = PermanentLink.select().where(
            PermanentLink.id == link.id, PermanentLink.deleted_at.is_null()
        )
        if not still.exists():
            raise RuleError(Reason.LINK_CLOSED)
        earlier = memberships.find(link.account, user)
        if earlier is not None and not earlier.is_active:
            raise RuleError(Reason.REMOVED_MEMBER)
        if earlier is not None:
            return earlier
        membership = memberships.join(
            link.account, user, link.role, now, joined_by=JoinedBy.PERMANENT_LINK
        )
        close_invitations(link.account_id, user, InvitationState.REPLACED)
        audit_log.record(AuditAction.JOINED, link.account, user, now, email=user.email)
    return membership


def join_as_new(link: PermanentLink, profile: NewProfile, now: datetime) -> Membership:
    """Sends a confirmation email. Raises RuleError(PROFILE_EXISTS, LINK_CLOSED)."""
    with db.transaction():
        user = profiles.create(profile, now, confirmed=False)
        membership = join(link, user, now)
        email_tokens.send_link(user, EmailTokenPurpose.CONFIRM_EMAIL, user.email, now)
    return membership


def joined_count(account: Account, since: datetime | None = None) -> int:
    """Active members only."""
    members = Membership.select().where(
        Membership.account == account,
        Membership.joined_by == JoinedBy.PERMANENT_LINK,
        Membership.deactivated_at.is_null(),
    )
    if since is not None:
        members = members.where(Membership.joined_at >= since)
    return members.count()
