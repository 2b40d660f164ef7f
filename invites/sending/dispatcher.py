"""Gives connections the messages that are due, within the rate limit, and keeps their outcomes."""

import logging
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from peewee import PeeweeException

from invites import db
from invites.core.clock import utcnow
from invites.mail.builder import MailBuilder, Message
from invites.mail.bulk_template import UnsafeMailError
from invites.models import Priority
from invites.outbox import batches, claims, outcomes, queue
from invites.outbox.outcomes import Outcome
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, SendResult
from invites.sending.rate_limit import RateLimit

_MAX_CLAIM = 500  # mails
# Seconds. A claim has about as many mails as are sent in the first time, and is given back after
# the second: until then, a batch that is paused is still sent.
_CLAIM_LASTS = 0.25
_CLAIM_ENDS = 0.5
_FOLD_EVERY = 0.25  # seconds until pages show an outcome
_MAX_UNSENDABLE = 25  # mails in a row that can't be sent, after which outcomes are committed
_MAX_FAILURES = 25  # in a row, after which a batch stops

log = logging.getLogger("invites.sending.worker")


class Dispatcher:
    """All connections share one. It holds the mails that this worker claimed."""

    def __init__(self, worker: int, builder: MailBuilder) -> None:
        """``worker``: a number that no other worker has."""
        self._worker = worker
        self._builder = builder
        self._claimed: deque[QueuedMail] = deque()
        self._claimed_at = float("-inf")
        self._taken = 1  # mails of the last claim
        self._last_account = 0
        self._uncommitted: list[Outcome] = []
        self._unfolded_since: float | None = None
        self._failures: dict[int, int] = {}
        self.rate_limit = RateLimit()

    def next_message(self) -> Message | None:
        """None if no mail is due or the rate limit is reached, and after many unsendable mails."""
        for _ in range(_MAX_UNSENDABLE):
            mail = self._take()
            message = self._build(mail) if mail else None
            if message or mail is None:
                return message
        return None

    def put_back(self, mail: QueuedMail) -> None:
        """For a mail that wasn't sent after all: the next one to take."""
        self._claimed.appendleft(mail)
        self._taken -= 1
        self.rate_limit.uncount()

    def add_outcomes(self, outcomes_: Iterable[Outcome]) -> None:
        """To be committed."""
        self._uncommitted += outcomes_

    def has_outcomes(self) -> bool:
        """Whether there are outcomes to commit."""
        return bool(self._uncommitted)

    def commit(self) -> None:
        """Commits outcomes. Stops a batch whose mails all fail.

        Raises PeeweeException after writing nothing; call it again.
        """
        if not self._uncommitted:
            return
        outcomes.append(self._worker, self._uncommitted, utcnow())
        committed, self._uncommitted = self._uncommitted, []
        self._unfolded_since = self._unfolded_since or time.monotonic()
        for outcome in committed:
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

    def _take(self) -> QueuedMail | None:
        if self.rate_limit.delay():
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

    def _build(self, mail: QueuedMail) -> Message | None:
        """Returns None, and adds an outcome, for a mail that won't be sent."""
        message = None
        unsent = Attempt(SendResult.WITHDRAWN)
        try:
            message = self._builder.build(mail, utcnow())
        except UnsafeMailError:
            text = "The message has a control character in a header."
            unsent = Attempt(SendResult.FAILED, text=text)
        except PeeweeException:
            self.put_back(mail)
            raise
        except Exception:  # one broken mail must not block the others
            log.exception("mail %s can't be built", mail.id)
            text = "The message can't be created. The log says why."
            unsent = Attempt(SendResult.FAILED, text=text)
        if message is None:
            self._uncommitted.append(Outcome(mail, unsent))
            self.rate_limit.uncount()
        return message

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
