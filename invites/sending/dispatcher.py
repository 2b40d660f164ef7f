"""Hands the mails that are due out to the connections, each once, no faster than allowed."""

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

_TRAY = 200
_URGENT_EVERY = 0.25  # seconds
_FRESH = 2.0  # seconds for which a tray is good: a batch may be paused, and another one begin
_HOPELESS = 25  # failures in a row, after which a batch stops


class Dispatcher:
    """One for all connections of the only worker, so that memory may say what is in hand."""

    def __init__(self) -> None:
        self._tray: deque[QueuedMail] = deque()
        self._in_hand: set[int] = set()
        self._looked_at = 0.0
        self._filled_at = 0.0
        self._failures: dict[int, int] = {}
        self.pace = Pace()

    def take(self) -> QueuedMail | None:
        """The next mail, or None when none is due, or none may go just now."""
        self._fill()
        if not self._tray or not self.pace.may_go():
            return None
        mail = self._tray.popleft()
        self._in_hand.add(mail.id)
        return mail

    def put_down(self, mail: QueuedMail) -> None:
        """Forget a mail that isn't to be sent now."""
        self._in_hand.discard(mail.id)
        self.pace.give_back()

    def settle(self, settled: Sequence[JournalEntry]) -> None:
        """Forget mails whose outcome is committed; a batch that only fails is stopped."""
        for one in settled:
            self._in_hand.discard(one.mail.id)
            if one.attempt.result is SendResult.NOT_ATTEMPTED:
                self.pace.give_back()
            self._count(one)

    def has_work(self) -> bool:
        """Whether a mail is due that nobody has in hand."""
        self._fill()
        return bool(self._tray)

    def _fill(self) -> None:
        if time.monotonic() - self._filled_at > _FRESH:
            self._tray.clear()
            self._filled_at = time.monotonic()
        if not self._tray or time.monotonic() - self._looked_at > _URGENT_EVERY:
            self._looked_at = time.monotonic()
            urgent = self._new(queue.urgent(utcnow(), _TRAY))
            self._tray.extendleft(reversed(urgent))
        if not self._tray:
            self._filled_at = time.monotonic()
            self._tray.extend(queue.bulk(utcnow(), _TRAY, self._in_hand))

    def _new(self, found: Sequence[QueuedMail]) -> list[QueuedMail]:
        known = self._in_hand | {mail.id for mail in self._tray}
        return [mail for mail in found if mail.id not in known]

    def _count(self, settled: JournalEntry) -> None:
        """A list of addresses that all fail is a mistake: better to ask than to go on."""
        mail, result = settled.mail, settled.attempt.result
        if mail.batch_id is None or mail.priority is not Priority.BULK:
            return
        if result is SendResult.SENT:
            self._failures.pop(mail.batch_id, None)
        elif result is SendResult.FAILED:
            self._failures[mail.batch_id] = self._failures.get(mail.batch_id, 0) + 1
            if self._failures[mail.batch_id] >= _HOPELESS:
                with suppress(PeeweeException):  # a busy database: the next failure tries again
                    batches.stop(mail.batch_id, settled.attempt.reply)
                    del self._failures[mail.batch_id]


class Pace:
    """At most so many mails a minute, evenly spaced, so that no burst trips a provider's limit."""

    def __init__(self) -> None:
        self.per_minute: int | None = None
        self._next = 0.0

    def may_go(self) -> bool:
        """Whether a mail may go now; saying yes counts it."""
        if self.per_minute is None:
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        # A mail, up to a second late, or a tenth of a second's, may be caught up: so a
        # short wait hardly lowers the rate.
        gap = 60 / self.per_minute
        self._next = max(self._next, now - min(1.0, max(gap, 0.1))) + gap
        return True

    def give_back(self) -> None:
        """Count one mail less: it didn't go."""
        if self.per_minute is not None:
            self._next -= 60 / self.per_minute

    def wait(self) -> float:
        """Seconds until the next mail may go."""
        return max(0.0, self._next - time.monotonic()) if self.per_minute else 0.0
