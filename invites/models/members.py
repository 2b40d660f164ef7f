"""Memberships, permanent links and the audit log."""

from enum import StrEnum

from peewee import CharField, ForeignKeyField, JSONField, ModelSelect

from invites.core.roles import Role
from invites.db import UtcField
from invites.models.accounts import Account
from invites.models.base import RoleField, Row
from invites.models.invitations import Invitation
from invites.models.people import User


class PermanentLink(Row):
    """A deleted link keeps its row, so that its id and token are never reused."""

    account = ForeignKeyField(Account)
    account_id: int
    role = RoleField()
    creator = ForeignKeyField(User)
    creator_id: int
    created_at = UtcField()
    deleted_at = UtcField(null=True)


class JoinedBy(StrEnum):
    FOUNDING = "founding"
    INVITATION = "invitation"
    PERMANENT_LINK = "permanent_link"
    RESCUE = "rescue"


class Membership(Row):
    """``role``: as granted. ``effective_role`` decides what the member may do."""

    account = ForeignKeyField(Account)
    account_id: int
    user = ForeignKeyField(User)
    user_id: int
    role = RoleField()
    joined_by = CharField(max_length=20)
    invitation = ForeignKeyField(Invitation, null=True)
    invitation_id: int | None
    joined_at = UtcField()
    deactivated_at = UtcField(null=True)

    class Meta:
        indexes = ((("account", "user"), True),)

    @classmethod
    def with_account_and_user(cls) -> "ModelSelect[Membership]":
        return cls.select(cls, Account, User).join(Account).switch(cls).join(User)

    @property
    def is_active(self) -> bool:
        return self.deactivated_at is None

    @property
    def effective_role(self) -> Role:
        """User until the address is confirmed, because anybody can enter any address."""
        granted: Role = self.role
        return granted if self.user.is_confirmed else Role.USER

    @property
    def is_role_waiting(self) -> bool:
        """Whether confirming the address gives a higher role."""
        return bool(self.effective_role < self.role)


class AuditEntry(Row):
    account = ForeignKeyField(Account, null=True)
    account_id: int | None
    actor = ForeignKeyField(User, null=True)
    actor_id: int | None
    action = CharField(max_length=40)
    details = JSONField()
    created_at = UtcField()

    class Meta:
        is_append_only = True  # by triggers, see db.schema.append_only
