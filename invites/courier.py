"""One connection to the mail server: takes mails from the desk and hands them over, one by one."""

import logging
import time
from collections.abc import Callable

import flask_mail
from peewee import PeeweeException

from invites import db
from invites.attempts import Outcome, Result
from invites.clock import utcnow
from invites.desk import Desk
from invites.ledger import Ledger, Settled
from invites.mail import smtp
from invites.mail.exchange import Exchange
from invites.mail.form_letter import UnsafeMailError
from invites.mail.mailroom import Letter, Mailroom
from invites.mail.replies import LostError, TroubleError, UnansweredError

_DATABASE_AGAIN = 1.0  # seconds before an outcome is written again that the database didn't take

log = logging.getLogger("invites.worker")


class Courier:
    """Carries mails while some are due."""

    def __init__(
        self, mail: flask_mail.Mail, desk: Desk, ledger: Ledger, mailroom: Mailroom
    ) -> None:
        self.connection = smtp.new_connection(mail)
        self._desk = desk
        self._ledger = ledger
        self._mailroom = mailroom
        self._exchange: Exchange | None = None
        self._settled: list[Settled] = []
        self._stopping = False
        self.done = 0

    @property
    def taken(self) -> int:
        """How many mails the mail server took on this connection."""
        return self._exchange.taken if self._exchange is not None else 0

    def stop(self) -> None:
        """Finish the mail in hand, then no more."""
        self._stopping = True

    def deliver(self, wait_for_more: Callable[[], bool]) -> None:
        """Connect, and carry mails while ``wait_for_more`` says that there are some.

        Raises TroubleError when the mail server can't be used, and
        PeeweeException. Either way every outcome is written down.
        """
        try:
            with smtp.opened(self.connection):
                self._exchange = self.connection.exchange(self._mailroom.sender)
                self._carry(self._exchange)
                while wait_for_more():
                    self._carry(self._exchange)
        except LostError as lost:
            if not self.taken:
                raise TroubleError(str(lost)) from lost

    def _carry(self, exchange: Exchange) -> None:
        """Hand over what is due now."""
        current = self._next()
        following: Letter | None = None
        try:
            if current is not None:
                exchange.begin(current)
            while current is not None:
                refusal = exchange.asked(current)
                following = self._next()
                outcome = refusal or exchange.end(current, following)
                self._settle(current, outcome)
                current, following = following, None
                if refusal is not None and current is not None:
                    exchange.begin(current)
        except Exception as error:
            self._give_up(current, following, error, exchange)
            raise
        finally:
            self._write()

    def _give_up(
        self,
        current: Letter | None,
        following: Letter | None,
        error: Exception,
        exchange: Exchange,
    ) -> None:
        """Settle what was in hand when the connection ended."""
        if following is not None:
            self._settle(following, Outcome(Result.UNTRIED))
        if current is None:
            return
        match error:
            case UnansweredError():
                result = Result.UNANSWERED
            case PeeweeException():
                result = Result.UNTRIED
            case LostError() | TroubleError() if exchange.taken:
                result = Result.UNTRIED  # many servers take so many on a connection and no more
            case LostError() | TroubleError():
                result = Result.RETRY  # the server may choke on this one: it waits longer
            case _:
                result = Result.UNANSWERED  # a mistake of our own, and nobody knows how far it got
        self._settle(current, Outcome(result, text=str(error)))

    def _next(self) -> Letter | None:
        """Write down what became of the last mail, and take the next one that may go."""
        while not self._stopping and (mail := self._desk.take()) is not None:
            try:
                letter = self._mailroom.letter(mail, utcnow())
            except UnsafeMailError:
                text = "The mail has a control character in a header."
                self._settled.append(Settled(mail, Outcome(Result.FAILED, text=text)))
                continue
            except PeeweeException:
                self._desk.put_down(mail)
                raise
            except Exception:  # one mail that can't be made must not hold up all others
                log.exception("mail %s can't be made", mail.id)
                failed = Outcome(Result.FAILED, text="This mail can't be made. The log says why.")
                self._settled.append(Settled(mail, failed))
                continue
            if letter is None:
                self._settled.append(Settled(mail, Outcome(Result.WITHDRAWN)))
            elif self._write(letter):
                return letter
            else:
                self._desk.put_down(mail)
        self._write()
        return None

    def _settle(self, letter: Letter, outcome: Outcome) -> None:
        self._settled.append(Settled(letter.mail, outcome))
        self.done += outcome.result in (Result.SENT, Result.FAILED)

    def _write(self, starting: Letter | None = None) -> bool:
        """Commit what is settled, and that ``starting`` goes next; waits for a busy database."""
        while self._settled or starting is not None:
            try:
                may_go = self._ledger.turn(
                    self._settled, starting.mail if starting else None, utcnow()
                )
            except PeeweeException:
                if not self._settled or self._stopping:
                    if starting is not None:
                        self._desk.put_down(starting.mail)
                    raise
                log.exception("the database doesn't take the outcome of a mail just now")
                db.close()
                time.sleep(_DATABASE_AGAIN)
            else:
                self._desk.settle(self._settled)
                self._settled = []
                return may_go
        return False
