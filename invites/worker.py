"""The mail worker: takes what is due from the outbox and hands it over, until told to stop."""

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta
from types import FrameType

import flask_mail
from peewee import PeeweeException

from invites import db, outbox
from invites.clock import utcnow
from invites.mail import smtp
from invites.mail.rendering import Postage, render
from invites.mail.smtp import QueueTrouble, SafeConnection
from invites.models import Delivery
from invites.outbox import Outcome, Result

_AT_ONCE = 5  # few enough that their lease outlasts a server at its slowest
_IDLE = 1.0  # seconds between two looks at an empty queue
_AFTER_TROUBLE = 15.0  # seconds before the mail server is tried again

log = logging.getLogger("invites.worker")


class Worker:
    """Drains the outbox through one connection."""

    def __init__(self, mail: flask_mail.Mail | None, postage: Postage) -> None:
        """``mail`` is None without a mail server: then mail waits for one."""
        self._mail = mail
        self._postage = postage
        self._stop = threading.Event()
        self._last_beat = (datetime.min.replace(tzinfo=UTC), "")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the mail in hand, then end."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped; call in the main thread, so that signals arrive."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("mail worker started")
        while not self._stop.is_set():
            self._stop.wait(self._round())
        log.info("mail worker stopped")

    def _round(self) -> float:
        """Drain once; returns how many seconds to wait before the next round."""
        try:
            return self._drain_or_wait()
        except PeeweeException:
            log.exception("the database is not usable just now")
            return _AFTER_TROUBLE
        finally:
            db.close()

    def _drain_or_wait(self) -> float:
        db.connect()
        try:
            self.drain()
        except QueueTrouble as trouble:
            log.warning("mail waits: %s", trouble)
            self._beat(str(trouble))
            return _AFTER_TROUBLE
        return _IDLE

    def drain(self) -> int:
        """Send all that is due; returns how many mails left the queue. Raises QueueTrouble."""
        if self._mail is None:
            self._beat()
            return 0
        done = 0
        connection: SafeConnection | None = None
        try:
            while not self._stop.is_set() and (due := outbox.claim(utcnow(), _AT_ONCE)):
                connection = connection or self._connect(due)
                try:
                    done += self._send_all(due, connection)
                except QueueTrouble:
                    if not connection.num_emails:
                        raise
                    # Many servers take so many mails on a connection and no more.
                    connection.__exit__(None, None, None)
                    connection = None
        finally:
            if connection is not None:
                connection.__exit__(None, None, None)
        self._beat()
        return done

    def _connect(self, due: list[Delivery]) -> SafeConnection:
        assert self._mail is not None
        try:
            return smtp.connect(self._mail)
        except QueueTrouble:
            outbox.give_back(due, utcnow())
            raise

    def _send_all(self, due: list[Delivery], connection: SafeConnection) -> int:
        for number, delivery in enumerate(due):
            self._beat()
            if self._stop.is_set():
                outbox.give_back(due[number:], utcnow())
                return number
            try:
                self._send(delivery, connection)
            except QueueTrouble as trouble:
                # This mail may be what the server chokes on: it waits longer than the rest.
                outbox.finish(delivery, Outcome(Result.RETRY, text=str(trouble)), utcnow())
                outbox.give_back(due[number + 1 :], utcnow())
                raise
        return len(due)

    def _send(self, delivery: Delivery, connection: SafeConnection) -> None:
        try:
            mail = render(delivery, self._postage, utcnow())
            if mail is None:
                outbox.finish(delivery, Outcome(Result.WITHDRAWN), utcnow())
            elif outbox.start(delivery, utcnow()):
                outbox.finish(delivery, connection.hand_over(mail), utcnow())
        except (QueueTrouble, PeeweeException):
            raise
        except Exception:  # one mail that can't be made must not hold up all others
            log.exception("mail %s can't be made", delivery.id)
            failed = Outcome(Result.FAILED, text="This mail can't be made. The log says why.")
            outbox.finish(delivery, failed, utcnow())

    def _beat(self, trouble: str = "") -> None:
        """Tell how it goes, when it changed or the last sign of life gets old."""
        now = utcnow()
        at, before = self._last_beat
        if before != trouble or now - at > timedelta(seconds=10):
            outbox.beat(now, trouble)
            self._last_beat = (now, trouble)
