"""The first schema.

Frozen like every migration: never edited, a change is the next number. The
models are copies, so that later ones in invites.models don't change history.
"""

from typing import Any

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    SmallIntegerField,
)


class Account(Model):
    name = CharField(max_length=100)
    slug = CharField(unique=True, max_length=60)
    purpose = CharField(max_length=200)
    assignments_url = CharField(max_length=500)
    assignments_label = CharField(max_length=60)
    reply_to = CharField(max_length=254)
    time_zone = CharField(max_length=64)
    created_at = BigIntegerField()

    class Meta:
        table_name = "account"


class User(Model):
    name = CharField(max_length=100)
    email = CharField(unique=True, max_length=254)
    email_confirmed_at = BigIntegerField(null=True)
    phone = CharField(max_length=40)
    password_hash = CharField()
    is_installer = BooleanField(default=False)
    created_at = BigIntegerField()

    class Meta:
        table_name = "user"


class Activity(Model):
    account = ForeignKeyField(Account, null=True)
    actor = ForeignKeyField(User, null=True)
    action = CharField(max_length=40)
    details = JSONField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "activity"


class Batch(Model):
    account = ForeignKeyField(Account)
    inviter = ForeignKeyField(User)
    role = SmallIntegerField()
    key = CharField(unique=True, max_length=64)
    file_name = CharField()
    left_out = JSONField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "batch"


class Invitation(Model):
    account = ForeignKeyField(Account)
    batch = ForeignKeyField(Batch)
    inviter = ForeignKeyField(User)
    email = CharField(max_length=254)
    role = SmallIntegerField()
    state = CharField(max_length=10, default="pending")
    created_at = BigIntegerField()
    expires_at = BigIntegerField()
    answered_at = BigIntegerField(null=True)

    class Meta:
        table_name = "invitation"
        indexes = ((("account", "state"), False), (("email", "state"), False))


class EmailProof(Model):
    user = ForeignKeyField(User)
    purpose = CharField(max_length=20)
    email = CharField(max_length=254)
    created_at = BigIntegerField()
    expires_at = BigIntegerField()
    used_at = BigIntegerField(null=True)

    class Meta:
        table_name = "email_proof"


class Delivery(Model):
    kind = CharField(max_length=20)
    recipient = CharField(max_length=254)
    account = ForeignKeyField(Account, null=True)
    batch = ForeignKeyField(Batch, null=True)
    invitation = ForeignKeyField(Invitation, null=True)
    proof = ForeignKeyField(EmailProof, null=True)
    state = CharField(max_length=10, default="queued")
    priority = SmallIntegerField()
    attempts = IntegerField(default=0)
    due_at = BigIntegerField()
    created_at = BigIntegerField()
    finished_at = BigIntegerField(null=True)
    reply_code = IntegerField(null=True)
    reply_text = CharField(max_length=500, default="")

    class Meta:
        table_name = "delivery"
        indexes = ((("state", "priority", "due_at"), False), (("batch", "state"), False))


class MailQueue(Model):
    seen_at = BigIntegerField()
    trouble = CharField(max_length=500)

    class Meta:
        table_name = "mail_queue"


class Membership(Model):
    account = ForeignKeyField(Account)
    user = ForeignKeyField(User)
    role = SmallIntegerField()
    joined_by = CharField(max_length=20)
    invitation = ForeignKeyField(Invitation, null=True)
    joined_at = BigIntegerField()
    deactivated_at = BigIntegerField(null=True)

    class Meta:
        table_name = "membership"
        indexes = ((("account", "user"), True),)


class PermanentLink(Model):
    account = ForeignKeyField(Account)
    role = SmallIntegerField()
    creator = ForeignKeyField(User)
    created_at = BigIntegerField()
    deleted_at = BigIntegerField(null=True)

    class Meta:
        table_name = "permanent_link"


class Session(Model):
    user = ForeignKeyField(User)
    token_hash = CharField(unique=True, max_length=64)
    device = CharField()
    created_at = BigIntegerField()
    seen_at = BigIntegerField()

    class Meta:
        table_name = "session"


class Upload(Model):
    account = ForeignKeyField(Account)
    user = ForeignKeyField(User)
    file_name = CharField()
    rows = JSONField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "upload"


_TABLES = [
    Account,
    User,
    Activity,
    Batch,
    Invitation,
    EmailProof,
    Delivery,
    MailQueue,
    Membership,
    PermanentLink,
    Session,
    Upload,
]

_ONE_PENDING_AN_ADDRESS = """
CREATE UNIQUE INDEX invitation_one_pending_an_address
ON invitation (account_id, email) WHERE state = 'pending'
"""


def up(migrator: Any, db: Any) -> None:
    """Make all tables."""
    with db.bind_ctx(_TABLES):
        db.create_tables(_TABLES)
    db.execute_sql(_ONE_PENDING_AN_ADDRESS)
