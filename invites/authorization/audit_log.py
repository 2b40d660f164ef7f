"""Who did what: written in the transaction of the deed itself, never changed or deleted.

The database refuses both (migration 0004).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import ModelSelect

from invites import db
from invites.core import user_agents
from invites.models import Account, Activity, Membership, User


class Deed(StrEnum):
    """What can be done."""

    ACCOUNT_CREATED = "account_created"
    SETTINGS_CHANGED = "settings_changed"
    INVITED = "invited"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    SENT_HELD_BACK = "sent_held_back"
    RESENT = "resent"
    REVOKED = "revoked"
    RESTORED = "restored"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
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
    SECOND_STEP_REQUIRED = "second_step_required"
    SECOND_STEP_OPTIONAL = "second_step_optional"
    SECOND_STEP_FORGOTTEN = "second_step_forgotten"


class Kind(StrEnum):
    """What deeds are about."""

    INVITATIONS = "invitations"
    PEOPLE = "people"
    SIGN_INS = "sign_ins"
    SETTINGS = "settings"


KINDS = {
    Kind.INVITATIONS: (
        Deed.INVITED,
        Deed.PAUSED,
        Deed.RESUMED,
        Deed.CANCELLED,
        Deed.RETRIED,
        Deed.SENT_HELD_BACK,
        Deed.RESENT,
        Deed.REVOKED,
        Deed.RESTORED,
        Deed.ACCEPTED,
        Deed.DECLINED,
        Deed.OPTED_OUT,
        Deed.OPTED_IN,
    ),
    Kind.PEOPLE: (
        Deed.JOINED,
        Deed.ROLE_CHANGED,
        Deed.DEACTIVATED,
        Deed.REACTIVATED,
        Deed.LEFT,
        Deed.OWNERSHIP_CLAIMED,
        Deed.OWNER_RESCUED,
        Deed.SECOND_STEP_FORGOTTEN,
    ),
    Kind.SIGN_INS: (Deed.SIGNED_IN,),
    Kind.SETTINGS: (
        Deed.ACCOUNT_CREATED,
        Deed.SETTINGS_CHANGED,
        Deed.SECOND_STEP_REQUIRED,
        Deed.SECOND_STEP_OPTIONAL,
        Deed.LINK_ENABLED,
        Deed.LINK_DELETED,
    ),
}


def record(deed: Deed, account: Account, actor: User | None, now: datetime, **details: Any) -> None:
    """Add one entry; ``details`` are plain values that say to whom and from what to what."""
    Activity.create(account=account, actor=actor, action=deed, details=details, created_at=now)


def record_sign_in(user: User, device: str, now: datetime) -> None:
    """Tell all of somebody's accounts of a sign-in from a device that is new to them.

    ``device`` is what the browser says of itself.
    """
    words = ", ".join(filter(None, user_agents.words(device)))
    with db.transaction():
        record_in_all(user, Deed.SIGNED_IN, user, now, device=words)


def record_in_all(
    user: User, deed: Deed, actor: User | None, now: datetime, **details: Any
) -> None:
    """Add one entry to each account that ``user`` belongs to."""
    belongs = (Membership.user == user) & Membership.deactivated_at.is_null()
    for membership in Membership.select(Membership, Account).join(Account).where(belongs):
        record(deed, membership.account, actor, now, **details)


def recorded(account: Account, kind: Kind | None, search: str) -> "ModelSelect[Activity]":
    """The deeds in an account, newest first, with whoever did them if that is known.

    Of one kind, and with ``search`` in the name or address of who did it or to whom;
    names of people who never belonged to the account aren't searched.
    """
    found = (
        Activity.select(Activity, User)
        .join(User, db.LEFT_OUTER, on=(Activity.actor == User.id))
        .where(Activity.account == account)
    )
    if kind is not None:
        found = found.where(Activity.action.in_(KINDS[kind]))
    if search:
        by = db.contains(User.name, search) | db.address_contains(User.email, search)
        address = Activity.details["email"].as_text()
        to = db.address_contains(address, search) | address.in_(_members_called(account, search))
        found = found.where(by | to)
    return found.order_by(Activity.id.desc())


def _members_called(account: Account, search: str) -> "ModelSelect[User]":
    """The addresses of members, active or not, whose name contains ``search``."""
    members = User.select(User.email).join(Membership).where(Membership.account == account)
    return members.where(db.contains(User.name, search))
