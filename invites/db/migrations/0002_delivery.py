"""What delivery needs: steering a batch, answers that never came, bounces, opting out."""

from typing import Any

from peewee import (
    BigIntegerField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
)


class Account(Model):
    class Meta:
        table_name = "account"


class MailPolicy(Model):
    per_minute = IntegerField(null=True)
    connections = IntegerField()

    class Meta:
        table_name = "mail_policy"


class OptOut(Model):
    account = ForeignKeyField(Account)
    email = CharField(max_length=254)
    created_at = BigIntegerField()

    class Meta:
        table_name = "opt_out"
        indexes = ((("account", "email"), True),)


# Plain SQL: playhouse's add_column makes the table anew, which takes its children with it.
_CHANGES = (
    "ALTER TABLE delivery ADD COLUMN unanswered SMALLINT NOT NULL DEFAULT 0",
    "ALTER TABLE batch ADD COLUMN state VARCHAR(10) NOT NULL DEFAULT 'running'",
    "ALTER TABLE batch ADD COLUMN stopped_because VARCHAR(500) NOT NULL DEFAULT ''",
    "CREATE INDEX batch_state ON batch (state)",
    "DROP INDEX delivery_state_priority_due_at",
    "DROP INDEX delivery_batch_id_state",
    "DROP INDEX delivery_batch_id",  # the new one begins with it
    """CREATE INDEX delivery_state_priority_batch_id_due_at
       ON delivery (state, priority, batch_id, due_at)""",
    """CREATE INDEX delivery_batch_id_state_finished_at
       ON delivery (batch_id, state, finished_at)""",
    """CREATE INDEX delivery_bounced_recipient ON delivery (recipient) WHERE state = 'bounced'""",
)


def up(migrator: Any, db: Any) -> None:
    """Add columns and tables; rows that are there keep what they mean."""
    for statement in _CHANGES:
        db.execute_sql(statement)
    with db.bind_ctx([MailPolicy, OptOut]):
        db.create_tables([MailPolicy, OptOut])
