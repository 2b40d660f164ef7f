"""The mail worker: opens connections while mail is due, until it is told to stop."""

import logging
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from types import FrameType

import flask_mail
from peewee import PeeweeException

from invites import db
from invites.core.clock import utcnow
from invites.invitations import staging
from invites.mail.builder import MailBuilder
from invites.mail.rendering import MailContext
from invites.outbox import claims, heartbeat, throttle
from invites.people import sessions
from invites.sending.backoff import Backoff
from invites.sending.connection_pool import ConnectionPool
from invites.sending.dispatcher import Dispatcher
from invites.sending.smtp_replies import ServerUnavailable

# Seconds
_BUSY_TICK = 0.1
_IDLE_TICK = 0.5
_OUTAGE_PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0)  # until the mail server is tried again
_CONNECTION_PAUSES = (2.0, 5.0, 15.0, 60.0)  # until another one is tried after a refusal
_CONNECT_AHEAD = 1.0  # by which it connects before the rate limit allows a mail
_CONNECT_HANGS = 5.0  # after which another connection is tried
_STOP_TIME = 20.0  # for the current messages when told to stop; flask serve waits 30
_DATABASE_PAUSE = 1.0  # until a database that failed is tried again
_CLEANUP_EVERY = 3600.0
_HEARTBEAT_EVERY = timedelta(seconds=10)

log = logging.getLogger("invites.sending.worker")


class Worker:
    """Sends all mail. Only one may run at a time."""

    def __init__(self, mail: flask_mail.Mail | None, mail_context: MailContext) -> None:
        """``mail`` is None without a mail server. Mail then stays queued."""
        self._mail = mail
        self._builder = MailBuilder(mail_context)
        self._dispatcher = Dispatcher(secrets.randbelow(2**31))
        self._stop_deadline: float | None = None
        self._is_waiting = False
        self._is_recovered = False
        self._fault: db.Fault | None = None
        self._maintained_at = float("-inf")
        self._cleaned_at = float("-inf")
        self._outage = Outage()
        self._connection_backoff = Backoff()
        self._refused_at = 0  # how many were open when another was refused
        self._last_heartbeat = (datetime.min.replace(tzinfo=UTC), "")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Lets the current messages finish."""
        self._stop_deadline = self._stop_deadline or time.monotonic() + _STOP_TIME

    def run(self) -> None:
        """Returns when stopped. Call it in the main thread, which receives signals."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        with db.only_one("worker", self._wait_no_longer) as is_only_one:
            if is_only_one:
                self._work()
        log.info("mail worker stopped")

    def _wait_no_longer(self) -> bool:
        if not self._is_waiting:
            log.warning("waits until another mail worker ends: %s", db.holder("worker"))
            self._is_waiting = True
        return self._is_told_to_stop()

    def _is_told_to_stop(self) -> bool:
        return self._stop_deadline is not None

    def _has_time(self) -> bool:
        """Whether a failed database may be tried again before the worker ends."""
        return self._stop_deadline is None or time.monotonic() < self._stop_deadline

    def _work(self) -> None:
        log.info("mail worker started")
        with closing(ConnectionPool(self._dispatcher, self._builder)) as pool:
            works = True
            while not self._is_told_to_stop() or (pool.is_busy() and (works or self._has_time())):
                works = self._try(self._maintain, pool)
                works = self._try(self._send, pool) and works
                if works:
                    self._fault = None
        with suppress(PeeweeException):  # the next worker recovers, and this one counts as stopped
            self._dispatcher.close()
            heartbeat.clear()
        db.close()

    def _try(self, action: Callable[[ConnectionPool], None], pool: ConnectionPool) -> bool:
        """Returns False when the database failed."""
        try:
            action(pool)
        except PeeweeException as error:
            self._report(error)
            db.close()
            time.sleep(_DATABASE_PAUSE)
            return False
        return True

    def _report(self, error: PeeweeException) -> None:
        """A fault in a row is reported once: a large list keeps the database locked for a while."""
        fault = db.fault_of(error)
        if fault is None:
            log.exception("the database can't be used now")
        elif fault is not self._fault:
            log.warning("mail waits: %s", db.explain(error))
        self._fault = fault

    def _maintain(self, pool: ConnectionPool) -> None:
        if not self._is_recovered:
            claims.recover(utcnow())
            self._is_recovered = True
        if self._stop_deadline is not None:
            pool.shut_down(self._stop_deadline)
        elif not len(pool) or time.monotonic() - self._maintained_at > _BUSY_TICK:
            self._maintained_at = time.monotonic()
            if pool.any_has_sent():
                self._outage.end()
            self._record_heartbeat(self._outage.reason)
            self._delete_expired()
            self._open_connections(pool)

    def _send(self, pool: ConnectionPool) -> None:
        closed = pool.run_once(_BUSY_TICK if len(pool) else _IDLE_TICK)
        self._handle_closed(pool, closed)

    def _handle_closed(self, pool: ConnectionPool, closed: Sequence[Exception | None]) -> None:
        for error in closed:
            if error is None:
                self._outage.end()
            elif not isinstance(error, ServerUnavailable):
                log.error("a bug in the mail worker", exc_info=error)
                self._outage.begin("The mail worker has a bug. The log has the details.")
            elif pool.any_has_sent():
                # The server works, but not with so many connections.
                self._connection_backoff.begin(_CONNECTION_PAUSES)
                self._refused_at = len(pool)
            else:
                self._outage.begin(str(error))

    def _open_connections(self, pool: ConnectionPool) -> None:
        """Doubles the connections while more mail is due, once all of them work."""
        limits = throttle.read()
        rate_limit = self._dispatcher.rate_limit
        rate_limit.per_minute = limits.per_minute
        pool.limit(limits.connections)
        if self._mail is None or self._outage.is_pausing():
            return
        if rate_limit.delay() > _CONNECT_AHEAD:
            return
        more = self._wanted_connections(pool)
        if more and self._dispatcher.has_work():
            for _ in range(min(more, limits.connections - len(pool))):
                pool.connect(self._mail)

    def _wanted_connections(self, pool: ConnectionPool) -> int:
        if not len(pool) or pool.is_stuck(_CONNECT_HANGS):
            return 1
        if not pool.all_have_sent():
            return 0
        if len(pool) > self._refused_at:
            self._connection_backoff.end()
        return 0 if self._connection_backoff.is_on() else len(pool)

    def _delete_expired(self) -> None:
        if time.monotonic() - self._cleaned_at > _CLEANUP_EVERY:
            staging.delete_expired(utcnow())
            sessions.delete_expired(utcnow())
            self._cleaned_at = time.monotonic()

    def _record_heartbeat(self, outage: str = "") -> None:
        """Only when the outage changes, or the last heartbeat is old."""
        now = utcnow()
        at, before = self._last_heartbeat
        if before != outage or not timedelta(0) <= now - at < _HEARTBEAT_EVERY:
            heartbeat.record(now, outage)
            self._last_heartbeat = (now, outage)


class Outage:
    """Why the mail server can't be used, and whether it is too early to try again."""

    def __init__(self) -> None:
        self._backoff = Backoff()
        self.reason = ""

    def begin(self, reason: str) -> None:
        self.reason = reason
        self._backoff.begin(_OUTAGE_PAUSES)
        log.warning("mail waits: %s", reason)

    def end(self) -> None:
        self.reason = ""
        self._backoff.end()

    def is_pausing(self) -> bool:
        return self._backoff.is_on()
