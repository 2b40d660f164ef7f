"""The mail worker: opens connections while mail is due, until it is told to stop."""

import logging
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from types import FrameType

from peewee import PeeweeException

from invites import db
from invites.core.clock import utcnow
from invites.core.settings import MailServer
from invites.invitations import staged_lists
from invites.mail.builder import MailBuilder
from invites.mail.rendering import MailContext
from invites.outbox import claims, heartbeat, throttle
from invites.people import sessions
from invites.sending.connection_policy import ConnectionPolicy
from invites.sending.connection_pool import ConnectionPool
from invites.sending.dispatcher import Dispatcher

# Seconds
_BUSY_TICK = 0.1
_IDLE_TICK = 0.5
_CONNECT_AHEAD = 1.0  # by which it connects before the rate limit allows a mail
_STOP_TIME = 20.0  # for the current messages when told to stop; flask serve waits 30
_DATABASE_PAUSE = 1.0  # until a database that failed is tried again
_CLEANUP_EVERY = 3600.0
_HEARTBEAT_EVERY = 10.0
_NEVER = float("inf")

log = logging.getLogger("invites.sending.worker")


class Worker:
    """Sends all mail. Only one may run at a time.

    ``has_lost_database``: it stopped because it lost a connection to PostgreSQL, and with it the
    lock on what it claimed, or its last outcomes. The next worker recovers.
    """

    def __init__(self, mail_server: MailServer | None, mail_context: MailContext) -> None:
        """Without a mail server, mail stays queued."""
        self._mail_server = mail_server
        self._builder = MailBuilder(mail_context)
        self._dispatcher = Dispatcher(secrets.randbelow(2**31), self._builder)
        self._policy = ConnectionPolicy()
        self._maintenance = Timer()
        self._cleanup = Timer()
        self._heartbeat = Timer()
        self._reported_outage = ""
        self._stop_deadline = _NEVER
        self._is_waiting = False
        self._is_recovered = False
        self._fault: db.Fault | None = None
        self.has_lost_database = False
        self._check_lock: Callable[[], bool] = lambda: True

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Lets the current messages finish."""
        self._stop_deadline = min(self._stop_deadline, time.monotonic() + _STOP_TIME)

    def run(self) -> None:
        """Returns when stopped. Call it in the main thread, which receives signals."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        with db.only_one("worker", self._wait_no_longer) as check_lock:
            if check_lock:
                self._check_lock = check_lock
                self._work()
        log.info("mail worker stopped")

    def _wait_no_longer(self) -> bool:
        if not self._is_waiting:
            log.warning("waits until another mail worker ends: %s", db.holder("worker"))
            self._is_waiting = True
        return self._is_told_to_stop()

    def _is_told_to_stop(self) -> bool:
        return self._stop_deadline < _NEVER

    def _work(self) -> None:
        log.info("mail worker started")
        with closing(ConnectionPool(self._dispatcher)) as pool:
            database_works = True
            while not self._is_told_to_stop() or (
                pool.is_busy() and (database_works or time.monotonic() < self._stop_deadline)
            ):
                database_works = self._try(self._maintain, pool)
                database_works = self._try(self._send, pool) and database_works
                if database_works:
                    self._fault = None
        with suppress(PeeweeException):  # the next worker recovers, and missing heartbeats tell
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
        if fault is db.Fault.UNREACHABLE:
            self.has_lost_database = True
            self.stop()
        if fault is None:
            log.exception("the database can't be used now")
        elif fault is not self._fault:
            log.warning("mail waits: %s", db.explain(error))
        self._fault = fault

    def _maintain(self, pool: ConnectionPool) -> None:
        """Recovers once, then opens connections, or shuts them down when told to stop."""
        if not self._is_recovered:
            claims.recover(utcnow())
            self._is_recovered = True
        if self._is_told_to_stop():
            pool.shut_down(self._stop_deadline)
        elif self._maintenance.is_due(_BUSY_TICK) or not len(pool):
            if pool.any_has_sent():
                self._policy.end_outage()
            self._record_heartbeat()
            self._delete_expired()
            self._open_connections(pool)

    def _send(self, pool: ConnectionPool) -> None:
        for error in pool.run_once(_BUSY_TICK if len(pool) else _IDLE_TICK):
            self._policy.handle_closed(pool, error)

    def _open_connections(self, pool: ConnectionPool) -> None:
        limits = throttle.read()
        rate_limit = self._dispatcher.rate_limit
        rate_limit.change(limits.per_minute)
        pool.limit(limits.connections)
        if self._mail_server is None or rate_limit.delay() > _CONNECT_AHEAD:
            return
        more = min(self._policy.wanted(pool), limits.connections - len(pool))
        if len(pool) and rate_limit.is_reached():
            return
        if more > 0 and self._dispatcher.has_work():
            for _ in range(more):
                pool.connect(self._mail_server, self._builder.sender)

    def _delete_expired(self) -> None:
        if self._cleanup.is_due(_CLEANUP_EVERY):
            staged_lists.delete_expired(utcnow())
            sessions.delete_expired(utcnow())

    def _record_heartbeat(self) -> None:
        outage = self._policy.outage
        if self._heartbeat.is_due(_HEARTBEAT_EVERY) or outage != self._reported_outage:
            self._check_lock()
            heartbeat.record(utcnow(), outage)
            self._reported_outage = outage


class Timer:
    def __init__(self) -> None:
        self._last = float("-inf")

    def is_due(self, seconds: float) -> bool:
        """Whether so many seconds have passed since it was due the last time."""
        now = time.monotonic()
        if now - self._last < seconds:
            return False
        self._last = now
        return True
