"""Conditions on deliveries, and withdrawing those that must no longer be sent."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import fn

from invites import db
from invites.models import (
    UNSENT_STATES,
    BatchState,
    Delivery,
    DeliveryState,
    InvitationState,
    Priority,
)

ON_HOLD = "It waited in a backup that was restored, and may have gone out before that."
"""The ``reply_text`` that marks mail withdrawn by a restore."""

# Literals, so that SQLite can use a partial index.
IS_QUEUED = Delivery.state == db.literal(DeliveryState.QUEUED.value)
IS_SENDING = Delivery.state == db.literal(DeliveryState.SENDING.value)

HAS_FAILED = Delivery.state.in_((DeliveryState.FAILED, DeliveryState.BOUNCED))
IS_ON_HOLD = (Delivery.state == DeliveryState.WITHDRAWN) & (Delivery.reply_text == ON_HOLD)

# Plain SQL, because it runs for every deferred mail: peewee takes milliseconds to build it.
_IS_CANCELED = db.sql(
    """delivery.priority = {Priority.BULK} AND EXISTS (
        SELECT 1 FROM batch
        WHERE batch.id = delivery.batch_id AND batch.state = {BatchState.CANCELED})""",
    Priority,
    BatchState,
)
_REVOKE_UNMAILED = db.sql(
    """UPDATE invitation SET state = {InvitationState.REVOKED}
    WHERE state = {InvitationState.PENDING} AND id IN (
        SELECT own.id FROM delivery JOIN invitation AS own
        ON own.id = delivery.invitation_id AND own.batch_id = delivery.batch_id
        WHERE delivery.id IN (SELECT value FROM json_each(?))
        AND delivery.state = {DeliveryState.QUEUED} AND delivery.unknown_outcomes = 0
        AND {is_canceled})""",
    DeliveryState,
    InvitationState,
    is_canceled=_IS_CANCELED,
)
_WITHDRAW_CANCELED_OR_OVER = db.sql(
    """UPDATE delivery SET state = {DeliveryState.WITHDRAWN}, finished_at = ?
    WHERE id IN (SELECT value FROM json_each(?)) AND state = {DeliveryState.QUEUED}
    AND ({is_canceled} OR invitation_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM invitation
        WHERE invitation.id = delivery.invitation_id
        AND invitation.state = {InvitationState.PENDING} AND invitation.expires_at > ?))""",
    DeliveryState,
    InvitationState,
    is_canceled=_IS_CANCELED,
)


def is_newest_mail(*, of_batch: bool = False) -> Any:
    """A condition: no later mail exists for the same invitation (of the same batch)."""
    later = Delivery.alias()
    is_later = (later.invitation == Delivery.invitation) & (later.id > Delivery.id)
    if of_batch:
        is_later &= db.unindexed(later.batch) == Delivery.batch
    return ~fn.EXISTS(later.select(later.id).where(is_later))


def withdraw(which: Any, now: datetime, **changes: str) -> None:
    """``which``: a condition."""
    update = Delivery.update(state=DeliveryState.WITHDRAWN, finished_at=now, **changes)
    update.where(which).execute()


def put_on_hold(now: datetime) -> None:
    """Withdraws all unsent mail after a restore. ``requeue.send_on_hold`` queues it again."""
    withdraw(Delivery.state.in_(UNSENT_STATES), now, reply_text=ON_HOLD)


def withdraw_canceled_or_over(ids: Sequence[int], now: datetime) -> int:
    """Withdraws queued mails whose batch is canceled or invitation closed; returns how many.

    Revokes a canceled batch's own invitations unless a mail for them may have arrived, so those
    people can be invited again. Runs in the caller's transaction.
    """
    if not ids:
        return 0
    given, moment = json.dumps(ids), Delivery.finished_at.db_value(now)
    db.execute(_REVOKE_UNMAILED, (given,))
    return db.execute(_WITHDRAW_CANCELED_OR_OVER, (moment, given, moment))
