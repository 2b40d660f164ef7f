"""Which mail is sent next: urgent mail first, then every account's batches in turn."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from invites import db
from invites.core.roles import Role
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    InvitationState,
    Priority,
)
from invites.outbox import batches
from invites.outbox.batches import ACTIVE

MAX_DELAY = timedelta(hours=5)  # longer than any retry waits

# Plain SQL, because it runs all the time: peewee takes longer to build it than it runs.
_SELECT = """
SELECT mail.id, mail.recipient, mail.attempts, mail.unknown_outcomes, mail.account_id,
    mail.batch_id, mail.created_at, mail.priority,
    EXISTS (SELECT 1 FROM "user" WHERE "user".email = mail.recipient),
    invitation.id, invitation.inviter_id, invitation.name, invitation.role,
    invitation.created_at, invitation.expires_at, invitation.state
FROM delivery AS mail LEFT JOIN invitation ON invitation.id = mail.invitation_id
"""
_URGENT = db.sql(
    """{select} WHERE mail.state = {DeliveryState.QUEUED} AND mail.priority < {Priority.BULK}
    AND (mail.due_at <= ? OR mail.due_at > ?)
    ORDER BY mail.priority, mail.due_at > ?, mail.due_at, mail.id LIMIT ?""",
    DeliveryState,
    Priority,
    select=_SELECT,
)
_OF_BATCH = db.sql(
    """{select} WHERE mail.state = {DeliveryState.QUEUED} AND mail.priority = {Priority.BULK}
    AND mail.batch_id = ? AND mail.due_at > ? AND mail.due_at <= ?
    ORDER BY mail.due_at, mail.id LIMIT ?""",
    DeliveryState,
    Priority,
    select=_SELECT,
)
_END_OF_TIME = 2**63 - 1


class QueuedInvitation(NamedTuple):
    """The values of an invitation that its mail needs. Can be signed like the row itself."""

    id: int
    inviter_id: int
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime
    state: str


class QueuedMail(NamedTuple):
    """A mail that is due, with everything its template needs.

    ``has_profile``: whether the recipient has one. ``invitation`` is None for other kinds of mail.
    """

    id: int
    recipient: str
    attempts: int
    unknown_outcomes: int
    account_id: int | None
    batch_id: int | None
    created_at: datetime
    priority: Priority
    has_profile: bool
    invitation: QueuedInvitation | None

    def is_over(self, now: datetime) -> bool:
        """Whether its invitation can no longer be accepted."""
        invitation = self.invitation
        return invitation is not None and (
            invitation.state != InvitationState.PENDING or invitation.expires_at <= now
        )


def due(now: datetime, limit: int, last_account: int = 0) -> list[QueuedMail]:
    """Urgent mails first, then those of ``bulk``."""
    found = urgent(now, limit)
    return found + bulk(now, limit - len(found), last_account) if len(found) < limit else found


def urgent(now: datetime, limit: int) -> list[QueuedMail]:
    """Personal mail, such as a password link, then single invitations."""
    due, too_far_ahead = _due_limits(now)
    return [_mail(row) for row in db.select(_URGENT, (due, too_far_ahead, due, limit))]


def bulk(now: datetime, limit: int, last_account: int = 0) -> list[QueuedMail]:
    """One mail of each account in turn, from its oldest batch with due mails.

    ``last_account``: the account whose turn was the last.
    """
    unfinished = _unfinished_by_account()
    if not unfinished:
        return []
    # Begins after last_account.
    turns = sorted(unfinished, key=lambda account_id: (account_id <= last_account, account_id))
    share = math.ceil(limit / len(turns))
    found = {account: _first_due(unfinished[account], now, share) for account in turns}
    missing = limit - sum(map(len, found.values()))
    if missing > 0:
        for account in turns:
            if len(found[account]) == share:  # it may have more
                found[account] = _first_due(unfinished[account], now, share + missing)
    in_turn = chain.from_iterable(zip_longest(*found.values()))
    return [mail for mail in in_turn if mail is not None][:limit]


def _unfinished_by_account() -> dict[int, list[Batch]]:
    """Oldest first."""
    by_account: dict[int, list[Batch]] = {}
    columns = Batch.id, Batch.account, Batch.state, Batch.created_at
    for batch in Batch.select(*columns).where(Batch.state.in_(ACTIVE)).order_by(Batch.id):
        by_account.setdefault(batch.account_id, []).append(batch)
    return by_account


def _first_due(unfinished: Sequence[Batch], now: datetime, limit: int) -> list[QueuedMail]:
    """Due mails of the first batch that has some."""
    for batch in unfinished:
        allowed = limit
        if batch.state == BatchState.PROBING:
            allowed = min(limit, batches.probes_left(batch))
        if rows := _of_batch(batch, now, allowed):
            return [_mail(row) for row in rows]
    return []


def _of_batch(batch: Batch, now: datetime, limit: int) -> list[tuple[Any, ...]]:
    due, too_far_ahead = _due_limits(now)
    return db.select(_OF_BATCH, (batch.id, 0, due, limit)) or db.select(
        _OF_BATCH, (batch.id, too_far_ahead, _END_OF_TIME, limit)
    )


def _due_limits(now: datetime) -> tuple[int, int]:
    """Mail is due if its ``due_at`` is at most the first value, or is more than the second.

    A retry is never that far in the future, so the clock was wrong when the value was set.
    """
    return Delivery.due_at.db_value(now), Delivery.due_at.db_value(now + MAX_DELAY)


def _mail(row: tuple[Any, ...]) -> QueuedMail:
    created_at, priority, has_profile = db.moment(row[6]), Priority(row[7]), bool(row[8])
    return QueuedMail._make((*row[:6], created_at, priority, has_profile, _invitation(row[9:])))


def _invitation(row: tuple[Any, ...]) -> QueuedInvitation | None:
    number, inviter_id, name, role, created_at, expires_at, state = row
    if number is None:
        return None
    moments = db.moment(created_at), db.moment(expires_at)
    return QueuedInvitation(number, inviter_id, name, Role(role), *moments, state)
