"""The installation: setup with a first account and owner, secret keys, backups, queued mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from invites import db
from invites.core.errors import Reason, RuleError
from invites.core.paging import Page, paged
from invites.members import accounts
from invites.models import Account, AuditEntry, Delivery, Installation, User, WorkerStatus
from invites.outbox import deliveries
from invites.people import profiles
from invites.people.profiles import NewProfile

_BACKUP_AGE = timedelta(days=3)


class BackupState(StrEnum):
    NONE = "none"
    OK = "ok"
    FAILED = "failed"
    OLD = "old"


@dataclass(frozen=True)
class LastBackup:
    """``made_at``: when one last succeeded. ``failed_at``, ``failure``: if one failed since."""

    state: BackupState
    made_at: datetime | None
    failed_at: datetime | None
    failure: str


def is_set_up() -> bool:
    return User.select().exists()


def set_up(account_name: str, profile: NewProfile, now: datetime) -> tuple[Account, User]:
    """Works once. Raises RuleError(ALREADY_SET_UP), or TEXT_* for the name of the account."""
    with db.transaction():
        if is_set_up():
            raise RuleError(Reason.ALREADY_SET_UP)
        installer = profiles.create(profile, now, confirmed=True)
        installer.is_installer = True
        installer.save()
        return accounts.create(account_name, installer, now), installer


def key_fingerprints() -> list[str]:
    """The keys with which a service last started, the signing key first."""
    return Installation.get().key_fingerprints.split()


def remember_keys(fingerprints: list[str]) -> None:
    if fingerprints != key_fingerprints():
        Installation.update(key_fingerprints=" ".join(fingerprints)).execute()


def record_backup(now: datetime) -> None:
    Installation.update(backed_up_at=now, backup_failed_at=None, backup_failure="").execute()


def record_failed_backup(now: datetime, reason: str) -> None:
    Installation.update(backup_failed_at=now, backup_failure=reason[:500]).execute()


def last_backup(now: datetime) -> LastBackup:
    row = Installation.get()
    if row.backup_failed_at is not None:
        state = BackupState.FAILED
    elif row.backed_up_at is None:
        state = BackupState.NONE
    else:
        state = BackupState.OLD if now - row.backed_up_at > _BACKUP_AGE else BackupState.OK
    return LastBackup(state, row.backed_up_at, row.backup_failed_at, row.backup_failure)


def newest_moment() -> datetime | None:
    """When something was last written to the database, as far as the newest rows tell."""
    newest = [
        model.select(moment).order_by(model.id.desc()).limit(1).scalar()
        for model, moment in (
            (WorkerStatus, WorkerStatus.seen_at),
            (Delivery, Delivery.created_at),
            (AuditEntry, AuditEntry.created_at),
            (User, User.created_at),
        )
    ]
    return max(filter(None, newest), default=None)


def queued_page(number: int) -> Page[Delivery]:
    """Newest first."""
    queued = (
        Delivery.select(Delivery, Account).join(Account, db.LEFT_OUTER).where(deliveries.IS_QUEUED)
    )
    return paged(queued.order_by(Delivery.id.desc()), number)


def find_queued(delivery_id: int) -> Delivery | None:
    return Delivery.get_or_none(Delivery.id == delivery_id, deliveries.IS_QUEUED)
