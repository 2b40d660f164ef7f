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
    """See docs/delivery.md for the transitions."""

    PROBING = "probing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELED = "canceled"
    DONE = "done"


class Batch(Row):
    """The invitations of one press of *Send Invitation*.

    ``key`` identifies the press, so that a repeated request doesn't send twice. ``stop_reason`` is
    the mail server's reply that stopped the sending.
    """

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
    """An expired invitation is stored as pending."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"


# Invitations that can be accepted until they expire. People who declined may change their mind.
OPEN_STATES = (InvitationState.PENDING, InvitationState.DECLINED)


class InvitationStatus(StrEnum):
    """Includes expired, which isn't stored."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"
    EXPIRED = "expired"


class Invitation(Row):
    """``email`` and ``role`` never change. ``name`` is from the list, for the greeting."""

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
        if self.state == InvitationState.PENDING and self.expires_at <= now:
            return InvitationStatus.EXPIRED
        return InvitationStatus(self.state)

    def is_open(self, now: datetime) -> bool:
        return self.state in OPEN_STATES and self.expires_at > now

    @classmethod
    def with_account_and_inviter(cls) -> "ModelSelect[Invitation]":
        return (
            cls.select(cls, Account, User)
            .join(Account)
            .switch(cls)
            .join(User, on=(cls.inviter == User.id))
        )

    @classmethod
    def open_condition(cls, now: datetime) -> Any:
        return cls.state.in_(OPEN_STATES) & (cls.expires_at > now)

    @classmethod
    def status_at(cls, now: datetime) -> Any:
        is_expired = (cls.state == InvitationState.PENDING) & (cls.expires_at <= now)
        return Case(None, ((is_expired, InvitationStatus.EXPIRED.value),), cls.state)


Invitation.add_index(
    Invitation.account,
    Invitation.email,
    unique=True,
    where=(Invitation.state == InvitationState.PENDING),
    name="invitation_one_pending_an_address",
)


class UnsubscribedAddress(Row):
    account = ForeignKeyField(Account)
    account_id: int
    email = CharField(max_length=254)
    created_at = UtcField()

    class Meta:
        indexes = ((("account", "email"), True),)
