"""Gives each connection mails that are due: each mail once, and within the rate limit."""

import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from peewee import PeeweeException

from invites import db
from invites.core.clock import utcnow
from invites.models import Priority
from invites.outbox import batches, claims, outcomes, queue
from invites.outbox.outcomes import Outcome
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import SendResult

_MAX_CLAIM = 500  # mails
# Seconds. A claim has about as many mails as are sent in the first time, and is given back after
# the second: until then, a batch that is paused is still sent.
_CLAIM_LASTS = 0.25
_CLAIM_ENDS = 0.5
_FOLD_EVERY = 0.25  # seconds until pages show an outcome
_MAX_FAILURES = 25  # in a row, after which a batch stops


class Dispatcher:
    """All connections share one. It holds the mails that this worker claimed."""

    def __init__(self, worker: int) -> None:
        """``worker``: a number that no other worker has."""
        self._worker = worker
        self._claimed: deque[QueuedMail] = deque()
        self._claimed_at = float("-inf")
        self._taken = 1  # mails of the last claim
        self._last_account = 0
        self._unfolded_since: float | None = None
        self._failures: dict[int, int] = {}
        self.rate_limit = RateLimit()

    def take(self) -> QueuedMail | None:
        """None if no mail is due or the rate limit is reached."""
        if not self.rate_limit.allows_one():
            return None
        self._give_back_old()
        if not self._claimed:
            self._claim()
        if not self._claimed:
            return None
        mail = self._claimed.popleft()
        self._taken += 1
        if mail.priority is Priority.BULK and mail.account_id is not None:
            self._last_account = mail.account_id
        self.rate_limit.count()
        return mail

    def put_back(self, mail: QueuedMail) -> None:
        """For a mail that wasn't sent after all: the next one to take."""
        self._claimed.appendleft(mail)
        self._taken -= 1
        self.rate_limit.uncount()

    def record(self, done: Sequence[Outcome]) -> None:
        """Commits outcomes. Stops a batch whose mails all fail.

        Raises PeeweeException after recording nothing.
        """
        outcomes.append(self._worker, done, utcnow())
        self._unfolded_since = self._unfolded_since or time.monotonic()
        for outcome in done:
            self._count_failures(outcome)

    def has_work(self) -> bool:
        return bool(self._claimed or queue.due(utcnow(), 1))

    def maintain(self) -> None:
        """Call it several times a second, also while connections wait for replies."""
        self._give_back_old()
        since = self._unfolded_since
        if since is not None and time.monotonic() - since > _FOLD_EVERY:
            self._fold()

    def close(self) -> None:
        self._give_back()
        self._fold()

    def _claim(self) -> None:
        """Twice as many as before, if those were sent quickly."""
        now = time.monotonic()
        was_quick = now - self._claimed_at < _CLAIM_LASTS
        limit = min(_MAX_CLAIM, max(1, self._taken * 2 if was_quick else self._taken))
        self._claimed.extend(claims.claim(self._worker, utcnow(), limit, self._last_account))
        self._unfolded_since = None
        self._claimed_at = now
        self._taken = 0

    def _give_back_old(self) -> None:
        if self._claimed and time.monotonic() - self._claimed_at > _CLAIM_ENDS:
            self._give_back()

    def _give_back(self) -> None:
        if self._claimed:
            claims.give_back(self._worker, self._claimed, utcnow())
            self._claimed.clear()

    def _fold(self) -> None:
        with db.transaction():
            outcomes.fold(utcnow())
        self._unfolded_since = None

    def _count_failures(self, outcome: Outcome) -> None:
        mail, result = outcome.mail, outcome.attempt.result
        if mail.batch_id is None or mail.priority is not Priority.BULK:
            return
        if result is SendResult.SENT:
            self._failures.pop(mail.batch_id, None)
        elif result is SendResult.FAILED:
            self._failures[mail.batch_id] = self._failures.get(mail.batch_id, 0) + 1
            if self._failures[mail.batch_id] >= _MAX_FAILURES:
                with suppress(PeeweeException):  # a busy database: the next failure tries again
                    batches.stop(mail.batch_id, outcome.attempt.reply)
                    del self._failures[mail.batch_id]
                    self._give_back()


class RateLimit:
    """Spaces mails evenly, so that no burst exceeds the mail provider's own limit."""

    def __init__(self) -> None:
        self.per_minute: int | None = None
        self._next = 0.0

    def allows_one(self) -> bool:
        return self.delay() == 0

    def count(self) -> None:
        """For a mail that is sent now."""
        if self.per_minute is not None:
            # After a late mail, the next one may be sent sooner, so that short waits don't lower
            # the rate. It makes up for one gap, but at least 0.1 and at most 1 second: more would
            # be a burst.
            gap = 60 / self.per_minute
            earliest = time.monotonic() - min(1.0, max(gap, 0.1))
            self._next = max(self._next, earliest) + gap

    def uncount(self) -> None:
        if self.per_minute is not None:
            self._next -= 60 / self.per_minute

    def delay(self) -> float:
        """Seconds until the next mail may be sent."""
        return max(0.0, self._next - time.monotonic()) if self.per_minute else 0.0
