"""The outbox: deliveries, their outcomes, the worker's status and its limits."""

from enum import IntEnum, StrEnum
from typing import Any

from peewee import CharField, ForeignKeyField, IntegerField, SmallIntegerField

from invites.db import UtcField
from invites.models.accounts import Account
from invites.models.base import Row
from invites.models.invitations import Batch, Invitation
from invites.models.people import EmailToken, SecurityNotice


class DeliveryKind(StrEnum):
    INVITATION = "invitation"
    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"
    SECURITY_NOTICE = "security_notice"


class DeliveryState(StrEnum):
    """See docs/delivery.md for the transitions."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"
    WITHDRAWN = "withdrawn"


UNSENT_STATES = (DeliveryState.QUEUED, DeliveryState.SENDING)


class Priority(IntEnum):
    """Lower numbers are sent first."""

    PERSONAL = 0
    SINGLE = 10
    BULK = 20


class Delivery(Row):
    """One message to one address, in a transactional outbox.

    Contains no text: the worker renders the message from the row that caused it. So neither the
    table nor its backups contain a usable link. ``due_at``: the earliest time of the next attempt.
    ``unknown_outcomes``: how many attempts may have delivered it without a reply, because the
    connection broke or the worker was killed. ``claimed_by``: the worker that last claimed it.
    """

    kind = CharField(max_length=20)
    recipient = CharField(max_length=254)
    account = ForeignKeyField(Account, null=True)
    account_id: int | None
    batch = ForeignKeyField(Batch, null=True, index=False)
    batch_id: int | None
    invitation: Any = ForeignKeyField(Invitation, null=True)
    invitation_id: int | None
    email_token: Any = ForeignKeyField(EmailToken, null=True)
    email_token_id: int | None
    security_notice: Any = ForeignKeyField(SecurityNotice, null=True, index=False)
    security_notice_id: int | None
    state = CharField(max_length=10, default=DeliveryState.QUEUED)
    priority = SmallIntegerField()
    attempts = IntegerField(default=0)
    unknown_outcomes = SmallIntegerField(default=0)
    due_at = UtcField()
    created_at = UtcField()
    finished_at = UtcField(null=True)
    reply_code = IntegerField(null=True)
    reply_text = CharField(max_length=500, default="")
    claimed_by = IntegerField(null=True)

    class Meta:
        indexes = ((("batch", "state", "finished_at"), False),)


# Partial indexes, which stay small because they exclude sent messages.
for _name, _state, *_columns in (
    ("queued", DeliveryState.QUEUED, "state", "priority", "batch", "due_at"),
    ("sending", DeliveryState.SENDING, "state"),
    ("bounced_recipient", DeliveryState.BOUNCED, "recipient", "state"),
):
    Delivery.add_index(
        *(getattr(Delivery, column) for column in _columns),
        where=(Delivery.state == _state),
        name=f"delivery_{_name}",
    )


class DeliveryOutcome(Row):
    """The new values of a delivery after an attempt, until they are folded into it.

    Without an index or foreign key, because a row is inserted for each attempt.
    """

    delivery_id = IntegerField()
    claimed_by = IntegerField()
    state = CharField(max_length=10)
    attempts = IntegerField()
    unknown_outcomes = SmallIntegerField()
    due_at = UtcField()
    finished_at = UtcField(null=True)
    reply_code = IntegerField(null=True)
    reply_text = CharField(max_length=500)


class WorkerStatus(Row):
    """One row while a worker runs; pages and /healthz read it."""

    seen_at = UtcField()
    outage = CharField(max_length=500)


class MailThrottle(Row):
    """Without a row, the defaults apply. ``per_minute``: over all connections; None: no limit."""

    per_minute = IntegerField(null=True)
    connections = IntegerField()
