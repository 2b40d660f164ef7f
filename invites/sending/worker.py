"""The mail worker: keeps a crew while mail is due, and watches over it, until told to stop."""

import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import FrameType

import flask_mail
from peewee import PeeweeException

from invites import db
from invites.core.clock import utcnow
from invites.invitations import staging
from invites.mail.builder import MailBuilder
from invites.mail.rendering import MailContext
from invites.outbox import heartbeat, journal, throttle
from invites.people import sessions
from invites.sending.connection_pool import ConnectionPool
from invites.sending.dispatcher import Dispatcher
from invites.sending.smtp_replies import ServerUnavailable

_TICK = 0.1  # seconds between two looks at the crew
_IDLE = 0.5  # seconds between two looks for mail, while there is no crew
_PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0)  # seconds before the mail server is tried again
_CROWDED = (2.0, 5.0, 15.0, 60.0)  # seconds before more connections than it took are tried
_SOON = 1.0  # seconds before a mail may go, in which there is time to connect
_HANGS = 5.0  # seconds after which connecting hangs: another connection may get through
_LEAVING = 20.0  # seconds for the mails in hand when told to stop; flask serve waits 30
_DATABASE_AGAIN = 1.0  # seconds before a database that couldn't be used is tried again
_SWEEP = 3600.0  # seconds between two looks for dropped lists that nobody needs any more
_BEAT = timedelta(seconds=10)

log = logging.getLogger("invites.sending.worker")


class Worker:
    """The only one at a time, over as many connections as the installer allows."""

    def __init__(self, mail: flask_mail.Mail | None, mail_context: MailContext) -> None:
        """``mail`` is None without a mail server: then mail waits for one."""
        self._mail = mail
        self._mailroom = MailBuilder(mail_context)
        self._desk = Dispatcher()
        self._leaves_by: float | None = None  # when it was told to stop
        self._is_recovered = False
        self._looked_at = float("-inf")
        self._swept_at = float("-inf")
        self._trouble = Outage()
        self._crowd = ConnectionBackoff()
        self._crowded_at = 0  # connections, when one more was refused
        self._last_beat = (datetime.min.replace(tzinfo=UTC), "")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the mails in hand, then end."""
        self._leaves_by = self._leaves_by or time.monotonic() + _LEAVING

    def run(self) -> None:
        """Work until stopped; call in the main thread, so that signals arrive."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        with db.only_one("worker", self._is_told_to_stop) as is_only_one:
            if is_only_one:
                self._work()
        log.info("mail worker stopped")

    def drain(self) -> int:
        """Send all that is due now over one connection; returns how many are done.

        Raises ServerUnavailable when the mail server can't be used.
        """
        with ConnectionPool(self._desk, self._mailroom, linger=0) as pool:
            while self._mail is not None and (len(pool) or pool.has_work()):
                if not len(pool):
                    pool.hire(self._mail)
                for error in pool.work(_TICK):
                    if error is not None:
                        raise error
        self._beat()
        return pool.done

    def _is_told_to_stop(self) -> bool:
        return self._leaves_by is not None

    def _has_time(self) -> bool:
        """Whether a database that couldn't be used may be tried again before it ends."""
        return self._leaves_by is None or time.monotonic() < self._leaves_by

    def _work(self) -> None:
        log.info("mail worker started")
        with ConnectionPool(self._desk, self._mailroom) as pool:
            works = True
            while not self._is_told_to_stop() or (pool.is_busy() and (works or self._has_time())):
                works = self._attempt(self._look_after, pool)
                works = self._attempt(self._converse, pool) and works
        with suppress(PeeweeException):  # it is told later then, by no more signs of life
            heartbeat.clear()
        db.close()

    def _attempt(self, duty: Callable[[ConnectionPool], None], pool: ConnectionPool) -> bool:
        """Do one thing; False when the database didn't let us."""
        try:
            duty(pool)
        except PeeweeException:
            log.exception("the database is not usable just now")
            db.close()
            time.sleep(_DATABASE_AGAIN)
            return False
        return True

    def _look_after(self, pool: ConnectionPool) -> None:
        """What need not be done for every mail."""
        if not self._is_recovered:
            journal.recover(utcnow())
            self._is_recovered = True
        if self._leaves_by is not None:
            pool.leave(self._leaves_by)
        elif not len(pool) or time.monotonic() - self._looked_at > _TICK:
            self._looked_at = time.monotonic()
            if pool.has_one_got_through():
                self._trouble.is_over()
            self._beat(self._trouble.reason)
            self._sweep()
            self._hire(pool)

    def _converse(self, pool: ConnectionPool) -> None:
        self._hear(pool, pool.work(_TICK if len(pool) else _IDLE))

    def _hear(self, pool: ConnectionPool, ended: Sequence[Exception | None]) -> None:
        """Conclude from how connections ended whether the mail server is left alone for a while."""
        for error in ended:
            if error is None:
                self._trouble.is_over()
            elif not isinstance(error, ServerUnavailable):
                log.error("a mistake in the mail worker", exc_info=error)
                self._trouble.add("The mail worker made a mistake. The log says which.")
            elif pool.has_one_got_through():
                # The server takes mail, but not on so many connections.
                self._crowd.begin(_CROWDED)
                self._crowded_at = len(pool)
            else:
                self._trouble.add(str(error))

    def _hire(self, pool: ConnectionPool) -> None:
        """More couriers while there is work for more: twice as many, once all got through."""
        policy = throttle.read()
        self._desk.pace.per_minute = policy.per_minute
        pool.keep(policy.connections)
        if self._mail is None or self._trouble.is_pausing() or self._desk.pace.wait() > _SOON:
            return
        more = self._wanted(pool)
        if more and pool.has_work():
            for _ in range(min(more, policy.connections - len(pool))):
                pool.hire(self._mail)

    def _wanted(self, pool: ConnectionPool) -> int:
        """How many more connections are worth a try."""
        if not len(pool) or pool.is_stuck(_HANGS):
            return 1
        if not pool.have_all_got_through():
            return 0
        if len(pool) > self._crowded_at:
            self._crowd.end()
        return 0 if self._crowd.is_on() else len(pool)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_at > _SWEEP:
            staging.delete_expired(utcnow())
            sessions.sweep(utcnow())
            self._swept_at = time.monotonic()

    def _beat(self, trouble: str = "") -> None:
        """Tell how it goes, when it changed or the last sign of life gets old."""
        now = utcnow()
        at, before = self._last_beat
        if before != trouble or not timedelta(0) <= now - at < _BEAT:
            heartbeat.record(now, trouble)
            self._last_beat = (now, trouble)


class ConnectionBackoff:
    """Something isn't tried again for a while, longer each time in a row."""

    def __init__(self) -> None:
        self._times = 0
        self._until = 0.0

    def begin(self, pauses: Sequence[float]) -> None:
        """It failed. ``pauses``: seconds, the last ones for all further times.

        What was begun before a pause and fails during it makes that no longer.
        """
        if self.is_on():
            return
        self._until = time.monotonic() + pauses[min(self._times, len(pauses) - 1)]
        self._times += 1

    def end(self) -> None:
        """It worked."""
        self._times, self._until = 0, 0.0

    def is_on(self) -> bool:
        """Whether it is too early to try again."""
        return time.monotonic() < self._until


class Outage:
    """What keeps the mail server from being used, and until when nobody asks it again."""

    def __init__(self) -> None:
        self._backoff = ConnectionBackoff()
        self.reason = ""

    def add(self, reason: str) -> None:
        """Pause, longer each time in a row."""
        self.reason = reason
        self._backoff.begin(_PAUSES)
        log.warning("mail waits: %s", reason)

    def is_over(self) -> None:
        """The mail server can be used."""
        self.reason = ""
        self._backoff.end()

    def is_pausing(self) -> bool:
        """Whether the mail server is left alone just now."""
        return self._backoff.is_on()
