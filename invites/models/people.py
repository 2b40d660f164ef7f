"""People: profiles, sessions, two-step verification, email tokens."""

from enum import StrEnum

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
)

from invites.db import UtcField
from invites.models.base import Row


class User(Row):
    """``is_installer``: may manage the installation."""

    name = CharField(max_length=100)
    email = CharField(max_length=254, unique=True)
    email_confirmed_at = UtcField(null=True)
    phone = CharField(max_length=40)
    password_hash = CharField(max_length=255)
    is_installer = BooleanField(default=False)
    created_at = UtcField()

    @property
    def is_confirmed(self) -> bool:
        return self.email_confirmed_at is not None


class Session(Row):
    """The cookie has the token, the row its hash. ``is_shared``: other people use the device."""

    user = ForeignKeyField(User, backref="sessions")
    user_id: int
    token_hash = CharField(max_length=64, unique=True)
    user_agent = CharField(max_length=255)
    is_shared = BooleanField()
    created_at = UtcField()
    seen_at = UtcField()


class Authenticator(Row):
    """Its key is derived from this row. ``last_step``: the 30-second step of the last code used."""

    user = ForeignKeyField(User, unique=True)
    user_id: int
    created_at = UtcField()
    confirmed_at = UtcField(null=True)
    last_step = IntegerField(default=0)


class RecoveryCodes(Row):
    """The codes are derived from this row. ``used``: a bit for each code."""

    user = ForeignKeyField(User, unique=True)
    user_id: int
    created_at = UtcField()
    used = IntegerField(default=0)


class Passkey(Row):
    """A WebAuthn public key."""

    user = ForeignKeyField(User)
    user_id: int
    name = CharField(max_length=100)
    credential_id = BlobField(unique=True)
    public_key = BlobField()
    sign_count = BigIntegerField()
    created_at = UtcField()
    used_at = UtcField(null=True)


class PasskeyChallenge(Row):
    """A single-use WebAuthn challenge. ``user`` is null at login."""

    value = BlobField(unique=True)
    user = ForeignKeyField(User, null=True)
    user_id: int | None
    created_at = UtcField()


class SecurityEvent(StrEnum):
    """What people are told by email, in case they didn't do it themselves (ASVS 5.0 6.3.7).

    The operator causes PASSWORD_GIVEN and TWO_STEP_DISABLED; an account causes TWO_STEP_REQUIRED.
    """

    PASSWORD_CHANGED = "password_changed"
    PASSWORD_GIVEN = "password_given"
    EMAIL_CHANGED = "email_changed"
    AUTHENTICATOR_ADDED = "authenticator_added"
    AUTHENTICATOR_REMOVED = "authenticator_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    TWO_STEP_GUESSED = "two_step_guessed"
    TWO_STEP_DISABLED = "two_step_disabled"
    TWO_STEP_REQUIRED = "two_step_required"


class SecurityNotice(Row):
    user = ForeignKeyField(User)
    user_id: int
    event = CharField(max_length=40)
    created_at = UtcField()


class EmailTokenPurpose(StrEnum):
    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"


class EmailToken(Row):
    """A single-use link that proves that ``user`` reads the messages sent to ``email``."""

    user = ForeignKeyField(User)
    user_id: int
    purpose = CharField(max_length=20)
    email = CharField(max_length=254)
    created_at = UtcField()
    expires_at = UtcField()
    used_at = UtcField(null=True)
