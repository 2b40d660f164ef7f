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
    """A person with a log-in, in any number of accounts."""

    name = CharField(max_length=100)
    email = CharField(max_length=254, unique=True)
    email_confirmed_at = UtcField(null=True)
    phone = CharField(max_length=40)
    password_hash = CharField(max_length=255)
    is_installer = BooleanField(default=False)
    created_at = UtcField()

    @property
    def is_confirmed(self) -> bool:
        """Whether this person has proven to read the mail sent to their address."""
        return self.email_confirmed_at is not None


class Session(Row):
    """One device on which a person is logged in. Holds a hash, so a stolen table opens nothing.

    ``user_agent`` is the header of the log-in; ``is_shared``: others use it, too.
    """

    user = ForeignKeyField(User, backref="sessions")
    user_id: int
    token_hash = CharField(max_length=64, unique=True)
    user_agent = CharField(max_length=255)
    is_shared = BooleanField()
    created_at = UtcField()
    seen_at = UtcField()


class Authenticator(Row):
    """An app that shows six digits, new ones every 30 seconds (RFC 6238), on somebody's phone.

    Its key is derived from this row, never stored. ``last_step``: the 30 seconds
    whose digits were used last; they work once.
    """

    user = ForeignKeyField(User, unique=True)
    user_id: int
    created_at = UtcField()
    confirmed_at = UtcField(null=True)
    last_step = IntegerField(default=0)


class RecoveryCodes(Row):
    """Codes on paper for whoever lost their phone: derived, too. ``used``: a bit for each."""

    user = ForeignKeyField(User, unique=True)
    user_id: int
    created_at = UtcField()
    used = IntegerField(default=0)


class Passkey(Row):
    """A key of a person's device or password manager, which signs instead of a password."""

    user = ForeignKeyField(User)
    user_id: int
    name = CharField(max_length=100)
    credential_id = BlobField(unique=True)
    public_key = BlobField()
    sign_count = BigIntegerField()
    created_at = UtcField()
    used_at = UtcField(null=True)


class PasskeyChallenge(Row):
    """What a passkey has to sign, once. ``user``: who adds one; None for a log-in."""

    value = BlobField(unique=True)
    user = ForeignKeyField(User, null=True)
    user_id: int | None
    created_at = UtcField()


class SecurityEvent(StrEnum):
    """What a person is told by mail, in case it wasn't them (ASVS 5.0 6.3.7).

    PASSWORD_GIVEN and TWO_STEP_DISABLED are by whoever runs the box; TWO_STEP_REQUIRED
    is by an account of theirs.
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
    """Something that a person is told by mail."""

    user = ForeignKeyField(User)
    user_id: int
    event = CharField(max_length=40)
    created_at = UtcField()


class EmailTokenPurpose(StrEnum):
    """What a mailed proof of an address is for."""

    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"


class EmailToken(Row):
    """A mailed link by which a user proves to read the mail of ``email``; works once."""

    user = ForeignKeyField(User)
    user_id: int
    purpose = CharField(max_length=20)
    email = CharField(max_length=254)
    created_at = UtcField()
    expires_at = UtcField()
    used_at = UtcField(null=True)
