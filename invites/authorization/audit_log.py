"""The audit log: who did what in an account, written in the transaction of the action itself.

Entries are never changed or deleted; triggers in the database refuse both.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from peewee import ModelSelect

from invites import db
from invites.core.errors import Reason, RuleError
from invites.models import Account, AuditEntry, Membership, User

# Per person and account, so that nobody can hide an entry among thousands of others.
_MAX_ENTRIES_A_DAY = 1_000
_MAX_LOGINS_A_DAY = 10
_DAY = timedelta(days=1)


class AuditCategory(StrEnum):
    INVITATIONS = "invitations"
    PEOPLE = "people"
    LOGINS = "logins"
    SETTINGS = "settings"


class AuditAction(StrEnum):
    """web/audit_labels.py has the text of each."""

    category: AuditCategory

    def __new__(cls, name: str, category: AuditCategory) -> "AuditAction":
        action = str.__new__(cls, name)
        action._value_ = name
        action.category = category
        return action

    ACCOUNT_CREATED = "account_created", AuditCategory.SETTINGS
    SETTINGS_CHANGED = "settings_changed", AuditCategory.SETTINGS
    LINK_ENABLED = "link_enabled", AuditCategory.SETTINGS
    LINK_DELETED = "link_deleted", AuditCategory.SETTINGS
    TWO_STEP_REQUIRED = "two_step_required", AuditCategory.SETTINGS
    TWO_STEP_OPTIONAL = "two_step_optional", AuditCategory.SETTINGS

    INVITED = "invited", AuditCategory.INVITATIONS
    PAUSED = "paused", AuditCategory.INVITATIONS
    RESUMED = "resumed", AuditCategory.INVITATIONS
    CANCELED = "canceled", AuditCategory.INVITATIONS
    RETRIED = "retried", AuditCategory.INVITATIONS
    SENT_ON_HOLD = "sent_on_hold", AuditCategory.INVITATIONS
    RESENT = "resent", AuditCategory.INVITATIONS
    REVOKED = "revoked", AuditCategory.INVITATIONS
    RESTORED = "restored", AuditCategory.INVITATIONS
    ACCEPTED = "accepted", AuditCategory.INVITATIONS
    DECLINED = "declined", AuditCategory.INVITATIONS
    UNSUBSCRIBED = "unsubscribed", AuditCategory.INVITATIONS
    RESUBSCRIBED = "resubscribed", AuditCategory.INVITATIONS

    JOINED = "joined", AuditCategory.PEOPLE
    EMAIL_CONFIRMED = "email_confirmed", AuditCategory.PEOPLE
    EMAIL_CHANGED = "email_changed", AuditCategory.PEOPLE
    ROLE_CHANGED = "role_changed", AuditCategory.PEOPLE
    DEACTIVATED = "deactivated", AuditCategory.PEOPLE
    REACTIVATED = "reactivated", AuditCategory.PEOPLE
    LEFT = "left", AuditCategory.PEOPLE
    OWNERSHIP_CLAIMED = "ownership_claimed", AuditCategory.PEOPLE
    OWNER_RESCUED = "owner_rescued", AuditCategory.PEOPLE
    TWO_STEP_DISABLED = "two_step_disabled", AuditCategory.PEOPLE

    LOGGED_IN = "logged_in", AuditCategory.LOGINS


def record(
    action: AuditAction, account: Account, actor: User | None, now: datetime, **details: Any
) -> None:
    """``details``: JSON values, such as the address of the person affected.

    Call it in the transaction of the action. After 1,000 entries by the actor in a day, it raises
    RuleError(CHANGE_LIMIT), which undoes the action.
    """
    if actor is not None:
        own = AuditEntry.select().where(AuditEntry.account == account, AuditEntry.actor == actor)
        earlier = own.order_by(AuditEntry.id.desc()).offset(_MAX_ENTRIES_A_DAY - 1).first()
        if earlier is not None and earlier.created_at > now - _DAY:
            raise RuleError(Reason.CHANGE_LIMIT, limit=_MAX_ENTRIES_A_DAY)
    _add(action, account, actor, now, details)


def _add(
    action: AuditAction,
    account: Account,
    actor: User | None,
    now: datetime,
    details: dict[str, Any],
) -> None:
    AuditEntry.create(account=account, actor=actor, action=action, details=details, created_at=now)


def record_login(user: User, device: str, now: datetime) -> None:
    """Records up to ten a day in each account; the tenth is marked as the last of the day.

    ``device``: its label, such as "Firefox, Linux"; "" if unknown.
    """
    with db.transaction():
        for membership in _memberships(user):
            earlier = AuditEntry.select().where(
                AuditEntry.account == membership.account_id,
                AuditEntry.actor == user,
                AuditEntry.action == AuditAction.LOGGED_IN,
                AuditEntry.created_at > now - _DAY,
            )
            number = earlier.count() + 1
            if number <= _MAX_LOGINS_A_DAY:
                details = {"device": device, "is_last": number == _MAX_LOGINS_A_DAY}
                _add(AuditAction.LOGGED_IN, membership.account, user, now, details)


def record_in_all(
    user: User, action: AuditAction, actor: User | None, now: datetime, **details: Any
) -> None:
    """Adds an entry in each account in which ``user`` is an active member."""
    for membership in _memberships(user):
        _add(action, membership.account, actor, now, details)


def _memberships(user: User) -> "ModelSelect[Membership]":
    belongs = (Membership.user == user) & Membership.deactivated_at.is_null()
    return Membership.select(Membership, Account).join(Account).where(belongs)


def entries(
    account: Account, category: AuditCategory | None, search: str
) -> "ModelSelect[AuditEntry]":
    """Newest first. ``search`` matches the actor or the person affected, by name or address.

    Affected people who were never members are found only by address.
    """
    found = (
        AuditEntry.select(AuditEntry, User)
        .join(User, db.LEFT_OUTER, on=(AuditEntry.actor == User.id))
        .where(AuditEntry.account == account)
    )
    if category is not None:
        actions = [action for action in AuditAction if action.category is category]
        found = found.where(AuditEntry.action.in_(actions))
    if search:
        by = db.contains(User.name, search) | db.address_contains(User.email, search)
        address = AuditEntry.details["email"].as_text()
        to = db.address_contains(address, search) | address.in_(_members_called(account, search))
        found = found.where(by | to)
    return found.order_by(AuditEntry.id.desc())


def _members_called(account: Account, search: str) -> "ModelSelect[User]":
    members = User.select(User.email).join(Membership).where(Membership.account == account)
    return members.where(db.contains(User.name, search))
