"""The outbox: deliveries, the worker's status and its limits."""

from enum import StrEnum
from typing import Any

from peewee import CharField, ForeignKeyField, IntegerField, SmallIntegerField

from invites.db import UtcField
from invites.models.accounts import Account
from invites.models.base import Row
from invites.models.invitations import Batch, Invitation
from invites.models.people import EmailToken, SecurityNotice


class DeliveryKind(StrEnum):
    """Which mail it is."""

    INVITATION = "invitation"
    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"
    SECURITY_NOTICE = "security_notice"


class DeliveryState(StrEnum):
    """Where the mail stands; docs/mail.md draws how one becomes another."""

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
    ``due_at`` is when it may be tried (again). ``unknown_outcomes`` counts how often
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


class WorkerStatus(Row):
    """How the worker is: one row, written by the worker, read by pages and /healthz."""

    seen_at = UtcField()
    outage = CharField(max_length=500)


class MailThrottle(Row):
    """How hard the box may work its mail server: one row; none means the defaults.

    ``per_minute``: mails a minute over all connections; None is no limit.
    """

    per_minute = IntegerField(null=True)
    connections = IntegerField()
