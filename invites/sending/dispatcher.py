"""Gives connections the messages that are due, within the rate limit, and keeps their outcomes."""

import logging
import time
from collections import Counter, deque
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

_CLAIM_LASTS = 0.25  # seconds: a claim has about as many mails as are sent in this time
_MAX_CLAIM_AGE = 0.5  # seconds until it is given back, since others can't withdraw its mails
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
        self._claim_size = 1
        self._last_account = 0
        self._unsent: list[QueuedMail] = []  # to be given back
        self._uncommitted: list[Outcome] = []
        self._unfolded_since: float | None = None
        self._failures: Counter[int] = Counter()  # of each batch in a row
        self.rate_limit = RateLimit()

    def next_message(self) -> Message | None:
        """None if no mail is due or the rate limit is reached, and after many unsendable mails."""
        for _ in range(_MAX_UNSENDABLE):
            if not self.rate_limit.allows_one() or not self._has_claimed():
                return None
            mail = self._claimed[0]
            message = self._build(mail)
            self._claimed.popleft()
            if mail.priority is Priority.BULK and mail.account_id is not None:
                self._last_account = mail.account_id
            if message is not None:
                self.rate_limit.count()
                return message
        return None

    def return_unsent(self, mails: Iterable[QueuedMail]) -> None:
        """For mails that a connection didn't begin to send. They are queued again."""
        for mail in mails:
            self._unsent.append(mail)
            self.rate_limit.uncount()

    def add_outcomes(self, outcomes_: Iterable[Outcome]) -> None:
        self._uncommitted += outcomes_

    def has_outcomes(self) -> bool:
        """Whether some aren't committed yet."""
        return bool(self._uncommitted)

    def store_outcomes(self) -> None:
        """Commits outcomes. Stops a batch whose mails all fail.

        Raises PeeweeException after writing nothing; call it again.
        """
        if not self._uncommitted:
            return
        outcomes.append(self._worker, self._uncommitted, utcnow())
        committed, self._uncommitted = self._uncommitted, []
        self._unfolded_since = self._unfolded_since or time.monotonic()
        for outcome in committed:
            self._count_failure(outcome)

    def has_work(self) -> bool:
        """Whether a mail is claimed or due, after ``batches.advance``."""
        batches.advance()
        return bool(self._claimed or queue.due(utcnow(), 1))

    def maintain(self) -> None:
        """Gives back old claims and folds outcomes.

        Call it several times a second, also while connections wait for replies.
        """
        if self._unsent or (self._claimed and self._claim_age() > _MAX_CLAIM_AGE):
            self._give_back()
        since = self._unfolded_since
        if since is not None and time.monotonic() - since > _FOLD_EVERY:
            self._fold()

    def close(self) -> None:
        self.store_outcomes()
        self._give_back()
        self._fold()

    def _has_claimed(self) -> bool:
        """Whether there is a mail to send, after another claim if necessary."""
        if self._claimed and self._claim_age() > _MAX_CLAIM_AGE:
            self._give_back()
        if not self._claimed:
            self._claim()
        return bool(self._claimed)

    def _claim(self) -> None:
        """Twice as many as the last time, if those were sent quickly."""
        if self._claim_age() < _CLAIM_LASTS:
            self._claim_size = min(claims.MAX_CLAIM, self._claim_size * 2)
        claimed = claims.claim(self._worker, utcnow(), self._claim_size, self._last_account)
        self._claimed.extend(claimed)
        self._claimed_at = time.monotonic()
        self._unfolded_since = None  # a claim folds
        self._claim_size = max(1, len(claimed))

    def _claim_age(self) -> float:
        return time.monotonic() - self._claimed_at

    def _give_back(self) -> None:
        """Queues again what no connection began.

        The next claim has as many mails as were taken of this one.
        """
        unsent = [*self._claimed, *self._unsent]
        if unsent:
            claims.give_back(self._worker, unsent, utcnow())
            self._claim_size = max(1, self._claim_size - len(self._claimed))
            self._claimed.clear()
            self._unsent.clear()

    def _build(self, mail: QueuedMail) -> Message | None:
        """Returns None, and adds an outcome, for a mail that won't be sent."""
        message = None
        attempt = Attempt(SendResult.WITHDRAWN)
        try:
            message = self._builder.build(mail, utcnow())
        except UnsafeMailError:
            text = "The message has a control character in a header."
            attempt = Attempt(SendResult.FAILED, text=text)
        except PeeweeException:
            raise  # the mail is tried again
        except Exception:  # one broken mail must not block the others
            log.exception("mail %s can't be built", mail.id)
            text = "The message can't be created. The log says why."
            attempt = Attempt(SendResult.FAILED, text=text)
        if message is None:
            self._uncommitted.append(Outcome(mail, attempt))
        return message

    def _count_failure(self, outcome: Outcome) -> None:
        """Stops the batch if too many of its mails failed in a row."""
        mail, attempt = outcome
        batch_id = mail.batch_id
        if batch_id is None or mail.priority is not Priority.BULK:
            return
        if attempt.result is SendResult.SENT:
            del self._failures[batch_id]
        elif attempt.result is SendResult.FAILED:
            self._failures[batch_id] += 1
        if self._failures[batch_id] < _MAX_FAILURES:
            return
        with suppress(PeeweeException):  # a busy database: the next failure tries again
            batches.stop(batch_id, attempt.code, attempt.text)
            del self._failures[batch_id]
            self._give_back()

    def _fold(self) -> None:
        with db.transaction():
            outcomes.fold(utcnow())
        self._unfolded_since = None
