"""What a second factor needs: authenticator apps, recovery codes, passkeys, and notices of it."""

from typing import Any

from peewee import (
    BigIntegerField,
    BlobField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
)


class User(Model):
    class Meta:
        table_name = "user"


class Authenticator(Model):
    user = ForeignKeyField(User, unique=True)
    created_at = BigIntegerField()
    confirmed_at = BigIntegerField(null=True)
    last_step = IntegerField(default=0)

    class Meta:
        table_name = "authenticator"


class RecoveryCodes(Model):
    user = ForeignKeyField(User, unique=True)
    created_at = BigIntegerField()
    used = IntegerField(default=0)

    class Meta:
        table_name = "recovery_codes"


class Passkey(Model):
    user = ForeignKeyField(User)
    name = CharField(max_length=100)
    credential_id = BlobField(unique=True)
    public_key = BlobField()
    sign_count = BigIntegerField()
    created_at = BigIntegerField()
    used_at = BigIntegerField(null=True)

    class Meta:
        table_name = "passkey"


class Challenge(Model):
    value = BlobField(unique=True)
    user = ForeignKeyField(User, null=True)
    created_at = BigIntegerField()

    class Meta:
        table_name = "challenge"


class SecurityNotice(Model):
    user = ForeignKeyField(User)
    event = CharField(max_length=40)
    created_at = BigIntegerField()

    class Meta:
        table_name = "security_notice"


_TABLES = (Authenticator, RecoveryCodes, Passkey, Challenge, SecurityNotice)
_CHANGES = (
    "ALTER TABLE account ADD COLUMN requires_second_factor SMALLINT NOT NULL DEFAULT 0",
    "ALTER TABLE delivery ADD COLUMN notice_id INTEGER REFERENCES security_notice (id)",
)


def up(migrator: Any, db: Any) -> None:
    """Add tables and columns."""
    with db.bind_ctx(_TABLES):
        db.create_tables(_TABLES)
    for statement in _CHANGES:
        db.execute_sql(statement)
