"""Who did what: written in the transaction of the deed itself, never changed."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from invites.models import Account, Activity, User


class Deed(StrEnum):
    """What can be done."""

    ACCOUNT_CREATED = "account_created"
    SETTINGS_CHANGED = "settings_changed"
    INVITED = "invited"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    RETRIED = "retried"
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
    LINK_ENABLED = "link_enabled"
    LINK_DELETED = "link_deleted"


def record(deed: Deed, account: Account, actor: User | None, now: datetime, **details: Any) -> None:
    """Add one entry; ``details`` are plain values that say to whom and from what to what."""
    Activity.create(account=account, actor=actor, action=deed, details=details, created_at=now)
