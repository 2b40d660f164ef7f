"""Gives each connection mails that are due: each mail once, and within the rate limit."""

import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from peewee import PeeweeException

from invites.core.clock import utcnow
from invites.models import Priority
from invites.outbox import batches, queue
from invites.outbox.journal import JournalEntry
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import SendResult

_BUFFER = 200  # mails
_BUFFER_TIME = 2.0  # seconds until it is filled again: batches may be paused or created
_URGENT_EVERY = 0.25  # seconds
_MAX_FAILURES = 25  # in a row, after which a batch stops


class Dispatcher:
    """All connections share one. It remembers which mails they have taken."""

    def __init__(self) -> None:
        self._buffer: deque[QueuedMail] = deque()
        self._taken: set[int] = set()
        self._urgent_at = 0.0
        self._filled_at = 0.0
        self._failures: dict[int, int] = {}
        self.rate_limit = RateLimit()

    def take(self) -> QueuedMail | None:
        """None if no mail is due or the rate limit is reached."""
        self._fill()
        if not self._buffer or not self.rate_limit.acquire():
            return None
        mail = self._buffer.popleft()
        self._taken.add(mail.id)
        return mail

    def put_back(self, mail: QueuedMail) -> None:
        """For a mail that isn't sent now. It stays queued."""
        self._taken.discard(mail.id)
        self.rate_limit.release()

    def finish(self, committed: Sequence[JournalEntry]) -> None:
        """For mails whose result is committed. Stops a batch whose mails all fail."""
        for entry in committed:
            self._taken.discard(entry.mail.id)
            if entry.attempt.result is SendResult.NOT_ATTEMPTED:
                self.rate_limit.release()
            self._count_failures(entry)

    def has_work(self) -> bool:
        self._fill()
        return bool(self._buffer)

    def _fill(self) -> None:
        if time.monotonic() - self._filled_at > _BUFFER_TIME:
            self._buffer.clear()
            self._filled_at = time.monotonic()
        if not self._buffer or time.monotonic() - self._urgent_at > _URGENT_EVERY:
            self._urgent_at = time.monotonic()
            known = self._taken | {mail.id for mail in self._buffer}
            urgent = [mail for mail in queue.urgent(utcnow(), _BUFFER) if mail.id not in known]
            self._buffer.extendleft(reversed(urgent))
        if not self._buffer:
            self._filled_at = time.monotonic()
            self._buffer.extend(queue.bulk(utcnow(), _BUFFER, self._taken))

    def _count_failures(self, entry: JournalEntry) -> None:
        mail, result = entry.mail, entry.attempt.result
        if mail.batch_id is None or mail.priority is not Priority.BULK:
            return
        if result is SendResult.SENT:
            self._failures.pop(mail.batch_id, None)
        elif result is SendResult.FAILED:
            self._failures[mail.batch_id] = self._failures.get(mail.batch_id, 0) + 1
            if self._failures[mail.batch_id] >= _MAX_FAILURES:
                with suppress(PeeweeException):  # a busy database: the next failure tries again
                    batches.stop(mail.batch_id, entry.attempt.reply)
                    del self._failures[mail.batch_id]


class RateLimit:
    """Spaces mails evenly, so that no burst exceeds the mail provider's own limit."""

    def __init__(self) -> None:
        self.per_minute: int | None = None
        self._next = 0.0

    def acquire(self) -> bool:
        """Whether a mail may be sent now. If so, counts it."""
        if self.per_minute is None:
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        # After a late mail, the next one may be sent sooner, so that short waits don't lower the
        # rate. It makes up for one gap, but at least 0.1 and at most 1 second: more would be a
        # burst.
        gap = 60 / self.per_minute
        self._next = max(self._next, now - min(1.0, max(gap, 0.1))) + gap
        return True

    def release(self) -> None:
        if self.per_minute is not None:
            self._next -= 60 / self.per_minute

    def delay(self) -> float:
        """Seconds until the next mail may be sent."""
        return max(0.0, self._next - time.monotonic()) if self.per_minute else 0.0
