"""Accounts: creating one, changing its settings, listing a person's accounts."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from invites import db
from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction
from invites.authorization.permissions import Action, authorize
from invites.core import addresses, text_fields
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import quotas
from invites.models import Account, JoinedBy, Membership, User


@dataclass(frozen=True)
class AccountSettings:
    """As typed."""

    name: str
    purpose: str
    assignments_url: str
    assignments_label: str
    reply_to: str
    time_zone: str
    moderator_limit: str = "200"


def create(name: str, owner: User, now: datetime) -> Account:
    """``owner`` becomes the first Account Owner. Raises RuleError(TEXT_*)."""
    name = text_fields.clean_name(name)
    with db.transaction():
        account = Account.create(
            name=name,
            slug=_free_slug(name),
            purpose="",
            assignments_url="",
            assignments_label="",
            reply_to="",
            time_zone="UTC",
            created_at=now,
        )
        Membership.create(
            account=account,
            user=owner,
            role=Role.OWNER,
            joined_by=JoinedBy.FOUNDING,
            joined_at=now,
        )
        audit_log.record(AuditAction.ACCOUNT_CREATED, account, owner, now, name=name)
    return account


def create_by_installer(name: str, installer: User, now: datetime) -> Account:
    """Raises RuleError(NOT_ALLOWED) and TEXT_*."""
    if not installer.is_installer:
        raise RuleError(Reason.NOT_ALLOWED)
    return create(name, installer, now)


def change_settings(actor: Membership, settings: AccountSettings, now: datetime) -> None:
    """A new name doesn't change the slug in the URLs.

    Raises RuleError(NOT_ALLOWED), and TEXT_*, URL_*, ADDRESS_*, TIME_ZONE_UNKNOWN or
    NUMBER_OUT_OF_RANGE for the first setting that is invalid.
    """
    account = actor.account
    clean = {
        "name": text_fields.clean_name(settings.name),
        "purpose": text_fields.clean_phrase(settings.purpose),
        "assignments_url": text_fields.clean_url(settings.assignments_url),
        "assignments_label": text_fields.clean_label(settings.assignments_label),
        "reply_to": addresses.canonical(settings.reply_to) if settings.reply_to.strip() else "",
        "time_zone": text_fields.clean_time_zone(settings.time_zone),
        "moderator_limit": quotas.clean_moderator_limit(settings.moderator_limit),
    }
    with db.transaction():
        authorize(actor, Action.CHANGE_SETTINGS)
        for field, value in clean.items():
            setattr(account, field, value)
        account.save(only=clean.keys())
        audit_log.record(AuditAction.SETTINGS_CHANGED, account, actor.user, now)


def memberships_of(user: User) -> list[Membership]:
    """The active ones, sorted by account name."""
    return list(
        Membership.with_account_and_user()
        .where(Membership.user == user, Membership.deactivated_at.is_null())
        .order_by(db.folded(Account.name), Account.id)
    )


def former_accounts(user: User) -> list[Account]:
    """Accounts that the person has left or was removed from, sorted by name."""
    return list(
        Account.select()
        .join(Membership)
        .where(Membership.user == user, Membership.deactivated_at.is_null(False))
        .order_by(db.folded(Account.name), Account.id)
    )


def find(slug: str) -> Account | None:
    found: Account | None = Account.get_or_none(Account.slug == slug)
    return found


def all_accounts() -> list[Account]:
    return list(Account.select().order_by(Account.slug))


def find_membership(user: User, slug: str) -> Membership | None:
    """Active or not."""
    found = Membership.with_account_and_user()
    return found.where(Account.slug == slug, Membership.user == user).get_or_none()


def _free_slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:48].strip("-") or "account"
    if slug in _RESERVED_SLUGS:
        slug = f"{slug}-account"
    candidate, number = slug, 1
    while Account.select().where(Account.slug == candidate).exists():
        number += 1
        candidate = f"{slug}-{number}"
    return candidate


# Words that URLs use in place of a slug.
_RESERVED_SLUGS = {"new", "invitations", "confirmation"}
