"""Uploaded lists that have not been sent yet."""

from peewee import (
    SQL,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    SmallIntegerField,
)

from invites.db import UtcField
from invites.models.accounts import Account
from invites.models.base import Row
from invites.models.invitations import Batch
from invites.models.people import User


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
    none. ``kept_as_is``: somebody said that it isn't misspelt.
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
    kept_as_is = BooleanField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        primary_key = CompositeKey("list", "number")
        without_rowid = True
        indexes = ((("list", "outcome"), False), (("list", "email"), False))
