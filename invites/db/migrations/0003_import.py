"""What import needs: lists that are looked over row by row before they are sent, and names."""

from typing import Any

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    SmallIntegerField,
)


class Account(Model):
    class Meta:
        table_name = "account"


class User(Model):
    class Meta:
        table_name = "user"


class Batch(Model):
    class Meta:
        table_name = "batch"


class StagedList(Model):
    account = ForeignKeyField(Account)
    user = ForeignKeyField(User)
    file_name = CharField(max_length=255)
    delimiter = CharField(max_length=1)
    sheets = JSONField()
    columns = JSONField()
    email_column = SmallIntegerField()
    name_column = SmallIntegerField(null=True)
    counts = JSONField()
    batch = ForeignKeyField(Batch, null=True)
    created_at = BigIntegerField()
    content = BlobField()  # last: what follows megabytes is slow to read

    class Meta:
        table_name = "staged_list"


class StagedRow(Model):
    list = ForeignKeyField(StagedList, on_delete="CASCADE", index=False)
    number = IntegerField()
    text = CharField(max_length=1000)
    name = CharField(max_length=100)
    email = CharField(max_length=254)
    outcome = CharField(max_length=15)
    problem = CharField(max_length=30, constraints=[SQL("DEFAULT ''")])
    suggestion = CharField(max_length=254, constraints=[SQL("DEFAULT ''")])
    as_written = BooleanField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "staged_row"
        primary_key = CompositeKey("list", "number")
        without_rowid = True
        indexes = ((("list", "outcome"), False), (("list", "email"), False))


_CHANGES = (
    "DROP TABLE upload",  # held lists for a day: whoever was about to send one drops it again
    "ALTER TABLE invitation ADD COLUMN name VARCHAR(100) NOT NULL DEFAULT ''",
    "DROP INDEX delivery_bounced_recipient",
    """CREATE INDEX delivery_bounced_recipient ON delivery (recipient, state)
       WHERE state = 'bounced'""",
)


def up(migrator: Any, db: Any) -> None:
    """Add tables and a column, and drop what they replace."""
    for statement in _CHANGES:
        db.execute_sql(statement)
    with db.bind_ctx([StagedList, StagedRow]):
        db.create_tables([StagedList, StagedRow])
