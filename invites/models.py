"""Tables, constraints, and the questions a row can answer about itself."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    Case,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    ModelSelect,
    SmallIntegerField,
)

from invites.core.roles import Role
from invites.db import UtcField, database


class RoleField(SmallIntegerField):
    """A Role in Python, its number in the table."""

    def db_value(self, value: Any) -> Any:
        """The role's number."""
        return None if value is None else int(value)

    def python_value(self, value: Any) -> Any:
        """The Role with that number."""
        return None if value is None else Role(value)


class Row(Model):
    """What all tables have in common."""

    id: Any

    class Meta:
        database = database
        legacy_table_names = False


class Account(Row):
    """An organisation."""

    name = CharField(max_length=100)
    slug = CharField(max_length=60, unique=True)
    purpose = CharField(max_length=200)
    assignments_url = CharField(max_length=500)
    assignments_label = CharField(max_length=60)
    reply_to = CharField(max_length=254)
    time_zone = CharField(max_length=64)
    requires_second_factor = BooleanField(default=False)
    created_at = UtcField()


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

    ``device`` is what the browser says of itself; ``is_shared``: others use it, too.
    """

    user = ForeignKeyField(User, backref="sessions")
    user_id: int
    token_hash = CharField(max_length=64, unique=True)
    device = CharField(max_length=255)
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


class Challenge(Row):
    """What a passkey has to sign, once. ``user``: who adds one; None for a log-in."""

    value = BlobField(unique=True)
    user = ForeignKeyField(User, null=True)
    user_id: int | None
    created_at = UtcField()


class SecurityEvent(StrEnum):
    """What a person is told by mail, in case it wasn't them (ASVS 5.0 6.3.7).

    PASSWORD_GIVEN and SECOND_FACTOR_ENDED are by whoever runs the box; SECOND_STEP_ASKED
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
    SECOND_STEP_GUESSED = "second_step_guessed"
    SECOND_FACTOR_ENDED = "second_factor_ended"
    SECOND_STEP_ASKED = "second_step_asked"


class SecurityNotice(Row):
    """Something that a person is told by mail."""

    user = ForeignKeyField(User)
    user_id: int
    event = CharField(max_length=40)
    created_at = UtcField()


class BatchState(StrEnum):
    """Whether the first mails of a batch go out; docs/delivery.md draws it."""

    PROBING = "probing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    DONE = "done"


class Batch(Row):
    """One press of *Send Invitation*. ``stopped_because``: why it stopped by itself."""

    account = ForeignKeyField(Account)
    account_id: int
    inviter = ForeignKeyField(User)
    inviter_id: int
    role = RoleField()
    key = CharField(max_length=64, unique=True)
    file_name = CharField(max_length=255)
    left_out = JSONField()
    state = CharField(max_length=10, default=BatchState.RUNNING)
    stopped_because = CharField(max_length=500, default="")
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


class Standing(StrEnum):
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

    def standing(self, now: datetime) -> Standing:
        """Where the person stands at ``now``."""
        if self.state == InvitationState.PENDING and self.expires_at <= now:
            return Standing.EXPIRED
        return Standing(self.state)

    def is_open(self, now: datetime) -> bool:
        """Whether the person can still accept."""
        return self.state in OPEN_STATES and self.expires_at > now

    @classmethod
    def whole(cls) -> "ModelSelect[Invitation]":
        """A query for invitations with all that a page says of them: account and inviter."""
        return (
            cls.select(cls, Account, User)
            .join(Account)
            .switch(cls)
            .join(User, on=(cls.inviter == User.id))
        )

    @classmethod
    def where_open(cls, now: datetime) -> Any:
        """The condition of a query that ``is_open`` is of a row."""
        return cls.state.in_(OPEN_STATES) & (cls.expires_at > now)

    @classmethod
    def standing_at(cls, now: datetime) -> Any:
        """The column of a query that ``standing`` is of a row."""
        is_expired = (cls.state == InvitationState.PENDING) & (cls.expires_at <= now)
        return Case(None, ((is_expired, Standing.EXPIRED.value),), cls.state)


Invitation.add_index(
    Invitation.index(
        Invitation.account,
        Invitation.email,
        unique=True,
        where=(Invitation.state == InvitationState.PENDING),
        name="invitation_one_pending_an_address",
    )
)


class PermanentLink(Row):
    """A reusable join link of an account. Deleting keeps the row: its id never comes back."""

    account = ForeignKeyField(Account)
    account_id: int
    role = RoleField()
    creator = ForeignKeyField(User)
    creator_id: int
    created_at = UtcField()
    deleted_at = UtcField(null=True)


class JoinedBy(StrEnum):
    """The way a member came in."""

    FOUNDING = "founding"
    INVITATION = "invitation"
    PERMANENT_LINK = "permanent_link"
    RESCUE = "rescue"


class Membership(Row):
    """A user in an account with a role."""

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

    @property
    def is_active(self) -> bool:
        """Whether the member belongs to the account now."""
        return self.deactivated_at is None


class ProofPurpose(StrEnum):
    """What a mailed proof of an address is for."""

    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"


class EmailProof(Row):
    """A mailed link by which a user proves to read the mail of ``email``; works once."""

    user = ForeignKeyField(User)
    user_id: int
    purpose = CharField(max_length=20)
    email = CharField(max_length=254)
    created_at = UtcField()
    expires_at = UtcField()
    used_at = UtcField(null=True)


class DeliveryKind(StrEnum):
    """Which mail it is."""

    INVITATION = "invitation"
    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"
    SECURITY_NOTICE = "security_notice"


class DeliveryState(StrEnum):
    """Where the mail stands; docs/delivery.md draws how one becomes another."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"
    WITHDRAWN = "withdrawn"


class Delivery(Row):
    """One attempt to get one mail out: the transactional outbox.

    Holds no text: a mail is rendered when it is sent, from the row that caused
    it, so that neither the table nor its backups hold a usable link.
    ``due_at`` is when it may be tried (again). ``unanswered`` counts how often
    the mail server hung up after the whole mail, before it said whether it took it.
    """

    kind = CharField(max_length=20)
    recipient = CharField(max_length=254)
    account = ForeignKeyField(Account, null=True)
    account_id: int | None
    batch = ForeignKeyField(Batch, null=True, index=False)  # an index below begins with it
    batch_id: int | None
    invitation: Any = ForeignKeyField(Invitation, null=True)
    invitation_id: int | None
    proof: Any = ForeignKeyField(EmailProof, null=True)
    proof_id: int | None
    notice: Any = ForeignKeyField(SecurityNotice, null=True, index=False)
    notice_id: int | None
    state = CharField(max_length=10, default=DeliveryState.QUEUED)
    priority = SmallIntegerField()
    attempts = IntegerField(default=0)
    unanswered = SmallIntegerField(default=0)
    due_at = UtcField()
    created_at = UtcField()
    finished_at = UtcField(null=True)
    reply_code = IntegerField(null=True)
    reply_text = CharField(max_length=500, default="")

    class Meta:
        indexes = ((("batch", "state", "finished_at"), False),)


# Indexes of the few rows that are looked for: every change of state costs what its indexes cost.
Delivery.add_index(
    Delivery.index(
        Delivery.state,
        Delivery.priority,
        Delivery.batch,
        Delivery.due_at,
        where=(Delivery.state == DeliveryState.QUEUED),
        name="delivery_queued",
    )
)
Delivery.add_index(
    Delivery.index(
        Delivery.state, where=(Delivery.state == DeliveryState.SENDING), name="delivery_sending"
    )
)
Delivery.add_index(
    Delivery.index(
        Delivery.recipient,
        Delivery.state,
        where=(Delivery.state == DeliveryState.BOUNCED),
        name="delivery_bounced_recipient",
    )
)


class MailQueue(Row):
    """How the worker is: one row, written by the worker, read by pages and /healthz."""

    seen_at = UtcField()
    trouble = CharField(max_length=500)


class MailPolicy(Row):
    """How hard the box may work its mail server: one row; none means the defaults.

    ``per_minute``: mails a minute over all connections; None is no limit.
    """

    per_minute = IntegerField(null=True)
    connections = IntegerField()


class OptOut(Row):
    """Somebody who asked an account not to invite them again."""

    account = ForeignKeyField(Account)
    account_id: int
    email = CharField(max_length=254)
    created_at = UtcField()

    class Meta:
        indexes = ((("account", "email"), True),)


class StagedList(Row):
    """A file that was dropped and read: looked over, mended and sent, or gone after a day.

    ``content`` is the file as text, for when another column is picked; ``sheets``
    the names of a workbook's, that of the one that was read first;
    ``columns`` what stands in them, as tables.Column; ``counts`` how many rows
    have which outcome. ``batch``: what became of it. Then its rows are gone.
    """

    account = ForeignKeyField(Account)
    account_id: int
    user = ForeignKeyField(User)
    user_id: int
    file_name = CharField(max_length=255)
    delimiter = CharField(max_length=1)
    sheets = JSONField()
    columns = JSONField()
    email_column = SmallIntegerField()
    name_column = SmallIntegerField(null=True)
    counts = JSONField()
    batch = ForeignKeyField(Batch, null=True)
    batch_id: int | None
    created_at = UtcField()
    content = BlobField()  # last: what follows megabytes is slow to read


class StagedRow(Row):
    """A row of such a list, and the one outcome that sending has for it.

    ``email`` is the canonical address, empty when ``problem`` says why there is
    none. ``as_written``: somebody said that it isn't misspelt.
    """

    id = None
    list = ForeignKeyField(StagedList, on_delete="CASCADE", index=False)
    list_id: int
    number = IntegerField()
    text = CharField(max_length=1000)
    name = CharField(max_length=100)
    email = CharField(max_length=254)
    outcome = CharField(max_length=15)
    problem = CharField(max_length=30, constraints=[SQL("DEFAULT ''")])
    suggestion = CharField(max_length=254, constraints=[SQL("DEFAULT ''")])
    as_written = BooleanField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        primary_key = CompositeKey("list", "number")
        without_rowid = True
        indexes = ((("list", "outcome"), False), (("list", "email"), False))


class Activity(Row):
    """Who did what to whom; only ever added to."""

    account = ForeignKeyField(Account, null=True)
    account_id: int | None
    actor = ForeignKeyField(User, null=True)
    actor_id: int | None
    action = CharField(max_length=40)
    details = JSONField()
    created_at = UtcField()
