"""Who did what: written in the transaction of the deed itself, never changed or deleted.

The database refuses both (migration 0004).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import ModelSelect

from invites import db
from invites.core import user_agents
from invites.models import Account, AuditEntry, Membership, User


class AuditAction(StrEnum):
    """What can be done."""

    ACCOUNT_CREATED = "account_created"
    SETTINGS_CHANGED = "settings_changed"
    INVITED = "invited"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELED = "canceled"
    RETRIED = "retried"
    SENT_ON_HOLD = "sent_on_hold"
    RESENT = "resent"
    REVOKED = "revoked"
    RESTORED = "restored"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    JOINED = "joined"
    ROLE_CHANGED = "role_changed"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    LEFT = "left"
    LINK_ENABLED = "link_enabled"
    LINK_DELETED = "link_deleted"
    SIGNED_IN = "signed_in"
    OWNERSHIP_CLAIMED = "ownership_claimed"
    OWNER_RESCUED = "owner_rescued"
    TWO_STEP_REQUIRED = "two_step_required"
    TWO_STEP_OPTIONAL = "two_step_optional"
    TWO_STEP_DISABLED = "two_step_disabled"


class Kind(StrEnum):
    """What deeds are about."""

    INVITATIONS = "invitations"
    PEOPLE = "people"
    SIGN_INS = "sign_ins"
    SETTINGS = "settings"


KINDS = {
    Kind.INVITATIONS: (
        AuditAction.INVITED,
        AuditAction.PAUSED,
        AuditAction.RESUMED,
        AuditAction.CANCELED,
        AuditAction.RETRIED,
        AuditAction.SENT_ON_HOLD,
        AuditAction.RESENT,
        AuditAction.REVOKED,
        AuditAction.RESTORED,
        AuditAction.ACCEPTED,
        AuditAction.DECLINED,
        AuditAction.UNSUBSCRIBED,
        AuditAction.RESUBSCRIBED,
    ),
    Kind.PEOPLE: (
        AuditAction.JOINED,
        AuditAction.ROLE_CHANGED,
        AuditAction.DEACTIVATED,
        AuditAction.REACTIVATED,
        AuditAction.LEFT,
        AuditAction.OWNERSHIP_CLAIMED,
        AuditAction.OWNER_RESCUED,
        AuditAction.TWO_STEP_DISABLED,
    ),
    Kind.SIGN_INS: (AuditAction.SIGNED_IN,),
    Kind.SETTINGS: (
        AuditAction.ACCOUNT_CREATED,
        AuditAction.SETTINGS_CHANGED,
        AuditAction.TWO_STEP_REQUIRED,
        AuditAction.TWO_STEP_OPTIONAL,
        AuditAction.LINK_ENABLED,
        AuditAction.LINK_DELETED,
    ),
}


def record(
    action: AuditAction, account: Account, actor: User | None, now: datetime, **details: Any
) -> None:
    """Add one entry; ``details`` are plain values that say to whom and from what to what."""
    AuditEntry.create(account=account, actor=actor, action=action, details=details, created_at=now)


def record_sign_in(user: User, user_agent: str, now: datetime) -> None:
    """Tell all of somebody's accounts of a sign-in from a device that is new to them.

    ``user_agent``: the header of the log-in.
    """
    words = ", ".join(filter(None, user_agents.words(user_agent)))
    with db.transaction():
        record_in_all(user, AuditAction.SIGNED_IN, user, now, device=words)


def record_in_all(
    user: User, action: AuditAction, actor: User | None, now: datetime, **details: Any
) -> None:
    """Add one entry to each account that ``user`` belongs to."""
    belongs = (Membership.user == user) & Membership.deactivated_at.is_null()
    for membership in Membership.select(Membership, Account).join(Account).where(belongs):
        record(action, membership.account, actor, now, **details)


def recorded(account: Account, kind: Kind | None, search: str) -> "ModelSelect[AuditEntry]":
    """The deeds in an account, newest first, with whoever did them if that is known.

    Of one kind, and with ``search`` in the name or address of who did it or to whom;
    names of people who never belonged to the account aren't searched.
    """
    found = (
        AuditEntry.select(AuditEntry, User)
        .join(User, db.LEFT_OUTER, on=(AuditEntry.actor == User.id))
        .where(AuditEntry.account == account)
    )
    if kind is not None:
        found = found.where(AuditEntry.action.in_(KINDS[kind]))
    if search:
        by = db.contains(User.name, search) | db.address_contains(User.email, search)
        address = AuditEntry.details["email"].as_text()
        to = db.address_contains(address, search) | address.in_(_members_called(account, search))
        found = found.where(by | to)
    return found.order_by(AuditEntry.id.desc())


def _members_called(account: Account, search: str) -> "ModelSelect[User]":
    """The addresses of members, active or not, whose name contains ``search``."""
    members = User.select(User.email).join(Membership).where(Membership.account == account)
    return members.where(db.contains(User.name, search))
