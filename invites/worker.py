"""The mail worker: hires couriers while mail is due, and watches over them, until told to stop."""

import logging
import signal
import time
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from types import FrameType

import flask_mail
from flask import Flask
from peewee import PeeweeException

from invites import db, db_file, ledger, mail_policy, outbox, sessions, staging
from invites.clock import utcnow
from invites.courier import Courier
from invites.desk import Desk
from invites.ledger import Ledger
from invites.mail.mailroom import Mailroom
from invites.mail.rendering import Postage
from invites.mail.replies import TroubleError

_TICK = 0.1  # seconds between two looks at the couriers
_QUICK = 500  # mails a second over one connection, above which another one gains nothing
_LINGER = 2.0  # seconds for which an idle connection stays open
_PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0)  # seconds before the mail server is tried again
_CROWDED = 60.0  # seconds before another connection is tried, after one was refused
_SWEEP = 3600.0  # seconds between two looks for dropped lists that nobody needs any more
_BEAT = timedelta(seconds=10)

log = logging.getLogger("invites.worker")


class Worker:
    """The only one at a time, over as many connections as the installer allows."""

    def __init__(self, app: Flask, mail: flask_mail.Mail | None, postage: Postage) -> None:
        """``mail`` is None without a mail server: then mail waits for one."""
        self._app = app  # for the couriers' threads, which have no current one
        self._mail = mail
        self._mailroom = Mailroom(postage)
        self._desk = Desk()
        self._ledger = Ledger()
        self._told_to_stop = False
        self._stop = Event()  # for the couriers' threads
        self._crew: dict[Courier, Thread] = {}
        self._enough_until = 0.0
        self._taken = 0
        self._swept_at = float("-inf")
        self._trouble = Trouble()
        self._last_beat = (datetime.min.replace(tzinfo=UTC), "")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the mails in hand, then end.

        No Event is set here: a signal that comes while the main thread is inside it would
        wait for ever for the Event's lock, which that same thread holds.
        """
        self._told_to_stop = True

    def run(self) -> None:
        """Work until stopped; call in the main thread, so that signals arrive."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        with db_file.only_one("worker", lambda: self._told_to_stop) as is_only_one:
            if is_only_one:
                self._work()
        log.info("mail worker stopped")

    def drain(self) -> int:
        """Send all that is due now over one connection, in this thread; returns how many are done.

        Raises TroubleError when the mail server can't be used.
        """
        done = 0
        while self._mail is not None and self._desk.has_work():
            courier = Courier(self._mail, self._desk, self._ledger, self._mailroom)
            courier.deliver(lambda: False)
            done += courier.done
        self._beat()
        return done

    def _work(self) -> None:
        log.info("mail worker started")
        is_recovered = False
        while not self._told_to_stop:
            try:
                if not is_recovered:
                    ledger.recover(utcnow())
                    is_recovered = True
                self._look_after()
            except PeeweeException:
                log.exception("the database is not usable just now")
                self._rest(_PAUSES[0])
            finally:
                db.close()
            self._rest(_TICK if self._crew else 5 * _TICK)
        self._stop.set()
        for courier in list(self._crew):
            courier.stop()
        for thread in list(self._crew.values()):
            thread.join()

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._told_to_stop and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _TICK))

    def _look_after(self) -> None:
        for courier in list(self._crew):
            courier.connection.end_if_overdue()
            if courier.taken:
                self._trouble.is_over()
        self._beat(self._trouble.reason)
        self._sweep()
        if self._mail is not None and not self._trouble.is_pausing():
            self._hire(self._mail)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_at > _SWEEP:
            staging.sweep(utcnow())
            sessions.sweep(utcnow())
            self._swept_at = time.monotonic()

    def _hire(self, mail: flask_mail.Mail) -> None:
        """More couriers while there is work for more: twice as many, once all got through."""
        policy = mail_policy.read()
        self._desk.pace.per_minute = policy.per_minute
        there = len(self._crew)
        room = policy.connections - there
        if there and (self._desk.pace.wait() or not self._could_use_more()):
            return
        for _ in range(min(max(1, there), room) if self._desk.has_work() else 0):
            courier = Courier(mail, self._desk, self._ledger, self._mailroom)
            thread = Thread(target=self._employ, args=(courier,), name="courier")
            self._crew[courier] = thread
            thread.start()

    def _could_use_more(self) -> bool:
        """Whether all couriers got through, and mostly wait for the mail server."""
        taken = [courier.taken for courier in list(self._crew)]
        before, self._taken = self._taken, sum(taken)
        is_quick = self._taken - before > _QUICK * _TICK * len(taken)
        return all(taken) and not is_quick and time.monotonic() > self._enough_until

    def _employ(self, courier: Courier) -> None:
        """What a courier's thread does."""
        with self._app.app_context():
            try:
                courier.deliver(self._more_comes)
                self._trouble.is_over()
            except TroubleError as trouble:
                if any(other.taken for other in list(self._crew)):
                    # The server takes mail, but not on so many connections.
                    self._enough_until = time.monotonic() + _CROWDED
                else:
                    self._trouble.add(str(trouble))
            except PeeweeException:
                log.exception("the database is not usable just now")
                self._trouble.add("The database is not usable just now.")
            except Exception:
                log.exception("a mistake in the mail worker")
                self._trouble.add("The mail worker made a mistake. The log says which.")
            finally:
                db.close()
                del self._crew[courier]

    def _more_comes(self) -> bool:
        """Wait a little for more to do over an open connection."""
        until = time.monotonic() + _LINGER
        while not self._stop.wait(_TICK / 2) and time.monotonic() < until:
            if not self._desk.pace.wait() and self._desk.has_work():
                return True
        return False

    def _beat(self, trouble: str = "") -> None:
        """Tell how it goes, when it changed or the last sign of life gets old."""
        now = utcnow()
        at, before = self._last_beat
        if before != trouble or not timedelta(0) <= now - at < _BEAT:
            outbox.beat(now, trouble)
            self._last_beat = (now, trouble)


class Trouble:
    """What keeps the mail server from being used, and until when nobody asks it again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._times = 0
        self._until = 0.0
        self.reason = ""

    def add(self, reason: str) -> None:
        """Pause, longer each time in a row."""
        with self._lock:
            self.reason = reason
            self._until = time.monotonic() + _PAUSES[min(self._times, len(_PAUSES) - 1)]
            self._times += 1
        log.warning("mail waits: %s", reason)

    def is_over(self) -> None:
        """The mail server can be used."""
        with self._lock:
            self.reason, self._times, self._until = "", 0, 0.0

    def is_pausing(self) -> bool:
        """Whether the mail server is left alone just now."""
        return time.monotonic() < self._until
