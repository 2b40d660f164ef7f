"""One connection to the mail server: sends the messages that it is given, one by one."""

import time

from invites.mail.builder import Message
from invites.outbox.journal import JournalEntry
from invites.outbox.retry import Attempt, SendResult
from invites.sending.smtp_replies import ConnectionLost, OutcomeUnknown, ServerUnavailable
from invites.sending.smtp_socket import SmtpSocket
from invites.sending.smtp_transaction import Awaits, SmtpTransaction, Steps


class SmtpSession:
    """Never blocks.

    ``awaits``: what it needs to continue, None once it is over. Call ``resume`` when that is
    available.
    """

    def __init__(
        self, sock: SmtpSocket, transaction: SmtpTransaction, results: list[JournalEntry]
    ) -> None:
        """The session appends each message's result to ``results``, to be committed."""
        self.socket = sock
        self.awaits: Awaits | None = Awaits.MESSAGE
        self.waiting_since = time.monotonic()
        self._results = results
        self._transaction = transaction
        self._next_message: Message | None = None
        self._steps = self._run()
        next(self._steps)

    @property
    def accepted(self) -> int:
        return self._transaction.accepted

    def resume(self, next_message: Message | None = None) -> None:
        """``next_message``: for COMMIT and MESSAGE; None if there are no more.

        Raises ServerUnavailable, or an exception caused by a bug. Then the session is over, and its
        messages have results.
        """
        self._next_message = next_message
        try:
            self.awaits = next(self._steps, None)
        except BaseException:
            self.awaits = None
            raise
        finally:
            self.waiting_since = time.monotonic()

    def _run(self) -> Steps[None]:
        try:
            while (message := (yield from self._wait_for(Awaits.MESSAGE))) is not None:
                yield from self._send(message)
            yield from self._transaction.quit()
        except ConnectionLost as lost:
            if not self.accepted:
                raise ServerUnavailable(str(lost)) from lost
        finally:
            self.socket.close()

    def _wait_for(self, awaits: Awaits) -> Steps[Message | None]:
        yield awaits
        return self._next_message

    def _send(self, message: Message) -> Steps[None]:
        """Sends ``message``, and the messages that follow without a pause."""
        current: Message | None = message
        following: Message | None = None
        transaction = self._transaction
        try:
            transaction.begin(message)
            while current is not None:
                refusal = yield from transaction.envelope_replies(current)
                following = yield from self._wait_for(Awaits.COMMIT)
                attempt = refusal or (yield from transaction.end(current, following))
                self._add_result(current, attempt)
                current, following = following, None
                if refusal is not None and current is not None:
                    transaction.begin(current)
        except Exception as error:
            self._add_interrupted(current, following, error)
            raise

    def _add_interrupted(
        self, current: Message | None, following: Message | None, error: Exception
    ) -> None:
        if following is not None:
            self._add_result(following, Attempt(SendResult.NOT_ATTEMPTED))
        if current is None:
            return
        match error:
            case OutcomeUnknown():
                result = SendResult.OUTCOME_UNKNOWN
            case ConnectionLost() | ServerUnavailable() if self.accepted:
                result = SendResult.NOT_ATTEMPTED  # many servers limit messages per connection
            case ConnectionLost() | ServerUnavailable():
                result = SendResult.DEFERRED  # this message may be the reason, so others go first
            case _:
                result = SendResult.OUTCOME_UNKNOWN  # a bug: the message may have been sent
        self._add_result(current, Attempt(result, text=str(error)))

    def _add_result(self, message: Message, attempt: Attempt) -> None:
        self._results.append(JournalEntry(message.mail, attempt))
