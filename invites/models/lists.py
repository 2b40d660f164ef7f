"""Uploaded lists that have not been sent yet."""

from enum import StrEnum

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


class EntryOutcome(StrEnum):
    INVITE = "invite"
    MEMBER = "member"
    REMOVED = "removed"
    DECLINED = "declined"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    RECIPIENT_LIMIT = "recipient_limit"
    DUPLICATE = "duplicate"
    EXCLUDED = "excluded"
    INVALID = "invalid"


INVITED = frozenset({EntryOutcome.INVITE})
# Invited only if the member selects a checkbox; see classify.invited.
ON_REQUEST = frozenset({EntryOutcome.REMOVED, EntryOutcome.DECLINED, EntryOutcome.PENDING})


class StagedList(Row):
    """An uploaded file, kept for a day for review.

    ``content``: a text file as it was uploaded, or the text made from a workbook or contacts. It is
    read again when other columns are picked. ``encoding``: that of a text file, otherwise "".
    ``sheets``: the names of a workbook's sheets, starting with the one that was read.
    ``columns``: fields of lists.columns.Column. ``counts``: rows per outcome.
    ``batch``: set when the list is sent, which deletes its rows and content.
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
    encoding = CharField(max_length=20, constraints=[SQL("DEFAULT ''")])
    # The last column, because SQLite is slow to read a column that follows megabytes.
    content = BlobField(constraints=[SQL("DEFAULT X''")])


class StagedRow(Row):
    """``email`` is "" if ``problem`` is set. ``kept_as_is``: a member confirmed the spelling.

    ``other_cells``: the text of a row without an address.
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
    other_cells = CharField(max_length=150, constraints=[SQL("DEFAULT ''")])

    class Meta:
        primary_key = CompositeKey("list", "number")
        without_rowid = True
        indexes = ((("list", "outcome"), False), (("list", "email"), False))
