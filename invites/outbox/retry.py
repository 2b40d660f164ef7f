"""When a mail is retried."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from invites.models import DeliveryState

GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1: at least four to five days
MAX_DELAY = timedelta(hours=5)

_MIN_ATTEMPTS = 5  # because mail may wait a week for a mail server before the first one
_DELAY_IF_UNKNOWN = timedelta(minutes=2)
_RANDOM = secrets.SystemRandom()
_MAX_BACKOFF = 240.0  # minutes; less than MAX_DELAY even with jitter


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

    @property
    def reply(self) -> str:
        """For example "550 5.1.1 No such user"."""
        return f"{self.code or ''} {self.text}".strip()


class History(NamedTuple):
    created_at: datetime
    attempts: int
    unknown_outcomes: int


class Decision(NamedTuple):
    """A mail's new values. ``due_at`` is None when it won't be retried."""

    state: DeliveryState
    due_at: datetime | None
    attempts: int
    unknown_outcomes: int


def decide(history: History, result: SendResult, now: datetime) -> Decision:
    attempts, unknown_outcomes = history.attempts + 1, history.unknown_outcomes
    if result is SendResult.OUTCOME_UNKNOWN:
        retry_at = now + _DELAY_IF_UNKNOWN if unknown_outcomes == 0 else None
        state = DeliveryState.QUEUED if retry_at else DeliveryState.UNKNOWN
        return Decision(state, retry_at, attempts, unknown_outcomes + 1)
    is_young = now - history.created_at < GIVE_UP_AFTER or attempts < _MIN_ATTEMPTS
    if result is SendResult.DEFERRED and is_young:
        return Decision(DeliveryState.QUEUED, now + _backoff(attempts), attempts, unknown_outcomes)
    final = _FINAL_STATES.get(result, DeliveryState.FAILED)
    return Decision(final, None, attempts, unknown_outcomes)


_FINAL_STATES = {
    SendResult.SENT: DeliveryState.SENT,
    SendResult.WITHDRAWN: DeliveryState.WITHDRAWN,
}


def _backoff(attempts: int) -> timedelta:
    """One minute, doubling up to four hours. 12.5 % of jitter either way spreads retries."""
    minutes = min(2.0 ** min(attempts - 1, 10), _MAX_BACKOFF)
    return timedelta(minutes=minutes * _RANDOM.uniform(0.875, 1.125))
