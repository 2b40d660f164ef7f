"""What becomes of a mail after one attempt: the state machine of docs/delivery.md."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from invites.models import DeliveryState

GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1: at least four to five days
LONGEST_PAUSE = timedelta(hours=5)

_TRIED_AT_LEAST = 5  # mail that waited a week for a mail server is old before its first attempt
_AFTER_SILENCE = timedelta(minutes=2)
_CHANCE = secrets.SystemRandom()
_LONGEST_STEP = 240.0  # minutes; with its jitter still below LONGEST_PAUSE


class Result(StrEnum):
    """How one attempt ended.

    UNANSWERED: the connection broke after the whole mail, before its answer.
    UNTRIED: the connection ended for a reason that isn't this mail's.
    """

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    UNANSWERED = "outcome_unknown"
    UNTRIED = "untried"
    WITHDRAWN = "withdrawn"


class Outcome(NamedTuple):
    """The result of one attempt, and the mail server's words for it."""

    result: Result
    code: int | None = None
    text: str = ""

    @property
    def said(self) -> str:
        """The code and the words."""
        return f"{self.code or ''} {self.text}".strip()


class Tried(NamedTuple):
    """A mail that was tried: how old it is, and how often before this attempt."""

    created_at: datetime
    attempts: int
    unknown_outcomes: int


class After(NamedTuple):
    """Where the mail stands after the attempt. ``due_at`` is None when it won't be tried again."""

    state: DeliveryState
    due_at: datetime | None
    attempts: int
    unknown_outcomes: int


def after(tried: Tried, result: Result, now: datetime) -> After:
    """Where a mail stands after an attempt that ended with ``result`` at ``now``."""
    attempts, unknown_outcomes = tried.attempts + 1, tried.unknown_outcomes
    if result is Result.UNTRIED:
        return After(DeliveryState.QUEUED, now, tried.attempts, unknown_outcomes)
    if result is Result.UNANSWERED:
        again = now + _AFTER_SILENCE if unknown_outcomes == 0 else None
        state = DeliveryState.QUEUED if again else DeliveryState.UNKNOWN
        return After(state, again, attempts, unknown_outcomes + 1)
    young = now - tried.created_at < GIVE_UP_AFTER or attempts < _TRIED_AT_LEAST
    if result is Result.RETRY and young:
        return After(DeliveryState.QUEUED, now + _pause_after(attempts), attempts, unknown_outcomes)
    final = _FINAL.get(result, DeliveryState.FAILED)
    return After(final, None, attempts, unknown_outcomes)


_FINAL = {Result.SENT: DeliveryState.SENT, Result.WITHDRAWN: DeliveryState.WITHDRAWN}


def _pause_after(attempts: int) -> timedelta:
    """One minute, doubling to four hours, with a quarter of jitter so that retries spread."""
    minutes = min(2.0 ** min(attempts - 1, 10), _LONGEST_STEP)
    return timedelta(minutes=minutes * _CHANCE.uniform(0.875, 1.125))
