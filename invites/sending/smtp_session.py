"""One connection to the mail server: sends the messages that it is given, one by one."""

import selectors
import time

from invites.mail.builder import Message
from invites.outbox.outcomes import Outcome
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, SendResult
from invites.sending.smtp_replies import ConnectionLost, OutcomeUnknown, ServerUnavailable
from invites.sending.smtp_socket import SmtpSocket
from invites.sending.smtp_transaction import Awaits, SmtpTransaction, Steps


class SmtpSession:
    """Never blocks.

    ``awaits``: what it needs to continue, None once it is over. Call ``resume`` when that is
    available. ``outcomes``: what became of messages, for the caller to commit and remove.
    ``unsent``: mails that it was given and didn't send before it ended. ``watched_events``: what
    a selector waits for.
    """

    def __init__(self, sock: SmtpSocket, sender: str, *, pipelining: bool) -> None:
        self.socket = sock
        self.awaits: Awaits | None = Awaits.MESSAGE
        self.waiting_since = time.monotonic()
        self.outcomes: list[Outcome] = []
        self.unsent: list[QueuedMail] = []
        self.watched_events = selectors.EVENT_READ
        self._transaction = SmtpTransaction(sock, sender, pipelining=pipelining)
        self._steps = self._run()
        next(self._steps)

    @property
    def accepted(self) -> int:
        """How many messages the server accepted."""
        return self._transaction.accepted

    def resume(self, next_message: Message | None = None) -> None:
        """``next_message``: for COMMIT and MESSAGE. Without one, it ends the current one, or quits.

        Raises ServerUnavailable, or an exception caused by a bug. Then the session is over.
        """
        self.awaits, self.waiting_since = None, time.monotonic()
        try:
            self.awaits = self._steps.send(next_message)
        except StopIteration:
            return

    def _run(self) -> Steps[None]:
        try:
            while (message := (yield Awaits.MESSAGE)) is not None:
                yield from self._send_all(message)
            yield from self._transaction.quit()
        except ConnectionLost as lost:
            if not self.accepted:
                raise ServerUnavailable(str(lost)) from lost
        finally:
            self.socket.close()

    def _send_all(self, message: Message) -> Steps[None]:
        """Sends ``message``, and the messages that follow without a pause."""
        current: Message | None = message
        following: Message | None = None
        transaction = self._transaction
        try:
            transaction.begin(message)
            while current is not None:
                refusal = yield from transaction.envelope_replies(current)
                following = yield Awaits.COMMIT
                attempt = refusal or (yield from transaction.end(current, following))
                self.outcomes.append(Outcome(current.mail, attempt))
                current, following = following, None
                # Otherwise ``end`` has sent its envelope.
                if refusal is not None and current is not None:
                    transaction.begin(current)
        except Exception as error:
            self._interrupt(current, following, error)
            raise

    def _interrupt(
        self, current: Message | None, following: Message | None, error: Exception
    ) -> None:
        if following is not None:
            self.unsent.append(following.mail)
        if current is None:
            return
        match error:
            case OutcomeUnknown():
                result = SendResult.OUTCOME_UNKNOWN
            case ConnectionLost() | ServerUnavailable() if self.accepted:
                self.unsent.append(current.mail)  # many servers limit messages per connection
                return
            case ConnectionLost() | ServerUnavailable():
                result = SendResult.DEFERRED  # this message may be the reason, so others go first
            case _:
                result = SendResult.OUTCOME_UNKNOWN  # a bug: the message may have been sent
        self.outcomes.append(Outcome(current.mail, Attempt(result, text=str(error))))
