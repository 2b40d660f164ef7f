"""One connection to the mail server: takes mails and hands them over, one by one."""

import time

from invites.mail.builder import Letter
from invites.outbox.journal import JournalEntry
from invites.outbox.retry import Attempt, SendResult
from invites.sending.smtp_replies import ConnectionLost, OutcomeUnknown, ServerUnavailable
from invites.sending.smtp_socket import SmtpSocket
from invites.sending.smtp_transaction import Awaited, SmtpTransaction, Steps


class SmtpSession:
    """Carries mails as long as it is given some.

    Does what it can without waiting, then says in ``awaits`` for what it waits; None
    when it is done. Whoever has that for it lets it ``go_on``.
    """

    def __init__(
        self, line: SmtpSocket, exchange: SmtpTransaction, settled: list[JournalEntry]
    ) -> None:
        """``settled`` gets what becomes of its mails, and has to be written down."""
        self.line = line
        self.awaits: Awaited | None = Awaited.WORK
        self.waits_since = time.monotonic()
        self._settled = settled
        self._exchange = exchange
        self._given: Letter | None = None
        self._steps = self._work()
        next(self._steps)

    @property
    def taken(self) -> int:
        """How many mails the mail server took on this connection."""
        return self._exchange.taken

    def go_on(self, given: Letter | None = None) -> None:
        """Go on with what was awaited; a turn and work bring a letter, or None for no more.

        Raises ServerUnavailable when the mail server can't be used, and whatever is a mistake of
        our own. It is done then, and what became of its mails is settled.
        """
        self._given = given
        try:
            self.awaits = next(self._steps, None)
        except BaseException:
            self.awaits = None
            raise
        finally:
            self.waits_since = time.monotonic()

    def _work(self) -> Steps[None]:
        try:
            while (letter := (yield from self._next(Awaited.WORK))) is not None:
                yield from self._carry(letter)
            yield from self._exchange.say_goodbye()
        except ConnectionLost as lost:
            if not self.taken:
                raise ServerUnavailable(str(lost)) from lost
        finally:
            self.line.close()

    def _next(self, awaited: Awaited) -> Steps[Letter | None]:
        yield awaited
        return self._given

    def _carry(self, letter: Letter) -> Steps[None]:
        """Hand over ``letter``, and all that follow it without a pause."""
        current: Letter | None = letter
        following: Letter | None = None
        exchange = self._exchange
        try:
            exchange.begin(letter)
            while current is not None:
                refusal = yield from exchange.asked(current)
                following = yield from self._next(Awaited.TURN)
                outcome = refusal or (yield from exchange.end(current, following))
                self._settle(current, outcome)
                current, following = following, None
                if refusal is not None and current is not None:
                    exchange.begin(current)
        except Exception as error:
            self._give_up(current, following, error)
            raise

    def _give_up(self, current: Letter | None, following: Letter | None, error: Exception) -> None:
        """Settle what was in hand when the connection ended."""
        if following is not None:
            self._settle(following, Attempt(SendResult.NOT_ATTEMPTED))
        if current is None:
            return
        match error:
            case OutcomeUnknown():
                result = SendResult.OUTCOME_UNKNOWN
            case ConnectionLost() | ServerUnavailable() if self.taken:
                result = (
                    SendResult.NOT_ATTEMPTED
                )  # many servers take so many on a connection and no more
            case ConnectionLost() | ServerUnavailable():
                result = SendResult.DEFERRED  # the server may choke on this one: it waits longer
            case _:
                result = (
                    SendResult.OUTCOME_UNKNOWN
                )  # a mistake of our own, and nobody knows how far it got
        self._settle(current, Attempt(result, text=str(error)))

    def _settle(self, letter: Letter, outcome: Attempt) -> None:
        self._settled.append(JournalEntry(letter.mail, outcome))
