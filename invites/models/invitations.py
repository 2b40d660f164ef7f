"""Batches, invitations, and addresses that unsubscribed."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import Case, CharField, ForeignKeyField, JSONField, ModelSelect

from invites.db import UtcField
from invites.models.accounts import Account
from invites.models.base import RoleField, Row
from invites.models.people import User


class BatchState(StrEnum):
    """Whether the first mails of a batch go out; docs/mail.md draws it."""

    PROBING = "probing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELED = "canceled"
    DONE = "done"


class Batch(Row):
    """One press of *Send Invitation*. ``stop_reason``: why it stopped by itself."""

    account = ForeignKeyField(Account)
    account_id: int
    inviter = ForeignKeyField(User)
    inviter_id: int
    role = RoleField()
    key = CharField(max_length=64, unique=True)
    file_name = CharField(max_length=255)
    skipped = JSONField()
    state = CharField(max_length=10, default=BatchState.RUNNING)
    stop_reason = CharField(max_length=500, default="")
    created_at = UtcField()

    class Meta:
        indexes = ((("state",), False),)


class InvitationState(StrEnum):
    """What is stored of an invitation. Expired is no state: it is pending, past its date."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"


# What can still be accepted before its date: who declined may think again.
OPEN_STATES = (InvitationState.PENDING, InvitationState.DECLINED)


class InvitationStatus(StrEnum):
    """What an invitation's state means at a moment: the state, or expired."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"
    EXPIRED = "expired"


class Invitation(Row):
    """An account's offer to one address. E-mail and role are what was offered, for good.

    ``name`` is what a list called them: for the mail's greeting, and to find them by.
    """

    account = ForeignKeyField(Account)
    account_id: int
    batch = ForeignKeyField(Batch, backref="invitations")
    batch_id: int
    inviter = ForeignKeyField(User)
    inviter_id: int
    email = CharField(max_length=254)
    name = CharField(max_length=100, default="")
    role = RoleField()
    state = CharField(max_length=10, default=InvitationState.PENDING)
    created_at = UtcField()
    expires_at = UtcField()
    answered_at = UtcField(null=True)

    class Meta:
        indexes = ((("account", "state"), False), (("email", "state"), False))

    def status(self, now: datetime) -> InvitationStatus:
        """Where the person stands at ``now``."""
        if self.state == InvitationState.PENDING and self.expires_at <= now:
            return InvitationStatus.EXPIRED
        return InvitationStatus(self.state)

    def is_open(self, now: datetime) -> bool:
        """Whether the person can still accept."""
        return self.state in OPEN_STATES and self.expires_at > now

    @classmethod
    def with_account_and_inviter(cls) -> "ModelSelect[Invitation]":
        """A query for invitations with all that a page says of them: account and inviter."""
        return (
            cls.select(cls, Account, User)
            .join(Account)
            .switch(cls)
            .join(User, on=(cls.inviter == User.id))
        )

    @classmethod
    def open_condition(cls, now: datetime) -> Any:
        """The condition of a query that ``is_open`` is of a row."""
        return cls.state.in_(OPEN_STATES) & (cls.expires_at > now)

    @classmethod
    def status_at(cls, now: datetime) -> Any:
        """The column of a query that ``status`` is of a row."""
        is_expired = (cls.state == InvitationState.PENDING) & (cls.expires_at <= now)
        return Case(None, ((is_expired, InvitationStatus.EXPIRED.value),), cls.state)


Invitation.add_index(
    Invitation.index(
        Invitation.account,
        Invitation.email,
        unique=True,
        where=(Invitation.state == InvitationState.PENDING),
        name="invitation_one_pending_an_address",
    )
)


class UnsubscribedAddress(Row):
    """Somebody who asked an account not to invite them again."""

    account = ForeignKeyField(Account)
    account_id: int
    email = CharField(max_length=254)
    created_at = UtcField()

    class Meta:
        indexes = ((("account", "email"), True),)
