"""The mail worker: keeps a crew while mail is due, and watches over it, until told to stop."""

import logging
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import FrameType

import flask_mail
from peewee import PeeweeException

from invites import db, db_file, ledger, mail_policy, outbox, sessions, staging
from invites.clock import utcnow
from invites.crew import Crew
from invites.desk import Desk
from invites.mail.mailroom import Mailroom
from invites.mail.rendering import Postage
from invites.mail.replies import TroubleError

_TICK = 0.1  # seconds between two looks at the crew
_IDLE = 0.5  # seconds between two looks for mail, while there is no crew
_PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0)  # seconds before the mail server is tried again
_CROWDED = 60.0  # seconds before another connection is tried, after one was refused
_DATABASE_AGAIN = 1.0  # seconds before a database that couldn't be used is tried again
_SWEEP = 3600.0  # seconds between two looks for dropped lists that nobody needs any more
_BEAT = timedelta(seconds=10)

log = logging.getLogger("invites.worker")


class Worker:
    """The only one at a time, over as many connections as the installer allows."""

    def __init__(self, mail: flask_mail.Mail | None, postage: Postage) -> None:
        """``mail`` is None without a mail server: then mail waits for one."""
        self._mail = mail
        self._mailroom = Mailroom(postage)
        self._desk = Desk()
        self._told_to_stop = False
        self._enough_until = 0.0
        self._looked_at = float("-inf")
        self._swept_at = float("-inf")
        self._trouble = Trouble()
        self._last_beat = (datetime.min.replace(tzinfo=UTC), "")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the mails in hand, then end."""
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
        """Send all that is due now over one connection; returns how many are done.

        Raises TroubleError when the mail server can't be used.
        """
        with Crew(self._desk, self._mailroom, linger=0) as crew:
            while self._mail is not None and (len(crew) or self._desk.has_work()):
                if not len(crew):
                    crew.hire(self._mail)
                for error in crew.work(_TICK):
                    if error is not None:
                        raise error
        self._beat()
        return crew.done

    def _work(self) -> None:
        log.info("mail worker started")
        is_recovered = False
        with Crew(self._desk, self._mailroom) as crew:
            while not self._told_to_stop or crew.is_busy():
                try:
                    if not is_recovered:
                        ledger.recover(utcnow())
                        is_recovered = True
                    self._look_after(crew)
                    self._hear(crew, crew.work(_TICK if len(crew) else _IDLE))
                except PeeweeException:
                    log.exception("the database is not usable just now")
                    db.close()
                    if self._told_to_stop:
                        break
                    time.sleep(_DATABASE_AGAIN)
        db.close()

    def _look_after(self, crew: Crew) -> None:
        """What need not be done for every mail."""
        if self._told_to_stop:
            crew.keep(0)
        elif not len(crew) or time.monotonic() - self._looked_at > _TICK:
            self._looked_at = time.monotonic()
            if crew.has_one_got_through():
                self._trouble.is_over()
            self._beat(self._trouble.reason)
            self._sweep()
            self._hire(crew)

    def _hear(self, crew: Crew, ended: Sequence[Exception | None]) -> None:
        """Conclude from how connections ended whether the mail server is left alone for a while."""
        for error in ended:
            if error is None:
                self._trouble.is_over()
            elif not isinstance(error, TroubleError):
                log.error("a mistake in the mail worker", exc_info=error)
                self._trouble.add("The mail worker made a mistake. The log says which.")
            elif crew.has_one_got_through():
                # The server takes mail, but not on so many connections.
                self._enough_until = time.monotonic() + _CROWDED
            else:
                self._trouble.add(str(error))

    def _hire(self, crew: Crew) -> None:
        """More couriers while there is work for more: twice as many, once all got through."""
        policy = mail_policy.read()
        self._desk.pace.per_minute = policy.per_minute
        crew.keep(policy.connections)
        if self._mail is None or self._trouble.is_pausing() or self._desk.pace.wait():
            return
        there = len(crew)
        wants_more = crew.have_all_got_through() and time.monotonic() > self._enough_until
        if (wants_more or not there) and self._desk.has_work():
            for _ in range(min(max(1, there), policy.connections - there)):
                crew.hire(self._mail)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_at > _SWEEP:
            staging.sweep(utcnow())
            sessions.sweep(utcnow())
            self._swept_at = time.monotonic()

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
        self._times = 0
        self._until = 0.0
        self.reason = ""

    def add(self, reason: str) -> None:
        """Pause, longer each time in a row."""
        self.reason = reason
        self._until = time.monotonic() + _PAUSES[min(self._times, len(_PAUSES) - 1)]
        self._times += 1
        log.warning("mail waits: %s", reason)

    def is_over(self) -> None:
        """The mail server can be used."""
        self.reason, self._times, self._until = "", 0, 0.0

    def is_pausing(self) -> bool:
        """Whether the mail server is left alone just now."""
        return time.monotonic() < self._until
