"""When a mail is retried."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from invites.models import DeliveryState
from invites.outbox.queue import QueuedMail

GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1: at least four to five days

_MIN_ATTEMPTS = 5  # because mail may wait a week for a mail server before the first one
_DELAY_IF_UNKNOWN = timedelta(minutes=2)
_RANDOM = secrets.SystemRandom()
_MAX_BACKOFF = 240.0  # minutes; less than queue.MAX_DELAY even with jitter


class SendResult(StrEnum):
    """How one attempt ended.

    DEFERRED: refused for now, to be retried. OUTCOME_UNKNOWN: the connection broke after the whole
    mail, before the reply.
    """

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    WITHDRAWN = "withdrawn"


class Attempt(NamedTuple):
    result: SendResult
    code: int | None = None
    text: str = ""


_FINAL_STATES = {
    SendResult.SENT: DeliveryState.SENT,
    SendResult.DEFERRED: DeliveryState.FAILED,
    SendResult.FAILED: DeliveryState.FAILED,
    SendResult.OUTCOME_UNKNOWN: DeliveryState.UNKNOWN,
    SendResult.WITHDRAWN: DeliveryState.WITHDRAWN,
}


def decide(
    mail: QueuedMail, result: SendResult, now: datetime
) -> tuple[DeliveryState, datetime | None]:
    """The state of ``mail`` after another attempt, and when it is retried, if at all."""
    attempts = mail.attempts + 1
    retry_at = None
    if result is SendResult.OUTCOME_UNKNOWN and not mail.unknown_outcomes:
        retry_at = now + _DELAY_IF_UNKNOWN
    is_young = now - mail.created_at < GIVE_UP_AFTER or attempts < _MIN_ATTEMPTS
    if result is SendResult.DEFERRED and is_young:
        retry_at = now + _backoff(attempts)
    return DeliveryState.QUEUED if retry_at else _FINAL_STATES[result], retry_at


def _backoff(attempts: int) -> timedelta:
    """One minute, doubling up to four hours. 12.5 % of jitter either way spreads retries."""
    minutes = min(2.0 ** min(attempts - 1, 10), _MAX_BACKOFF)
    return timedelta(minutes=minutes * _RANDOM.uniform(0.875, 1.125))
