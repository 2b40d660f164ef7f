"""SMTP transactions, one per message (RFC 5321, 3.3), pipelined (RFC 2920).

With PIPELINING, the end of one message and the envelope of the next are sent together. So a message
costs one round trip instead of four.
"""

from collections.abc import Generator
from contextlib import suppress
from enum import Enum
from typing import TypeVar

from invites.mail.builder import Message
from invites.outbox.retry import Attempt, SendResult
from invites.sending import smtp_socket
from invites.sending.smtp_replies import (
    ConnectionLost,
    OutcomeUnknown,
    ServerUnavailable,
    classify_reply,
    printable,
    refuses_sender,
)
from invites.sending.smtp_socket import Reply, SmtpSocket

_END_OF_DATA = b".\r\n"
_RSET = b"RSET\r\n"
_QUIT = b"QUIT\r\n"
_QUIT_TIME = 5.0  # seconds


class Awaits(Enum):
    """What a conversation needs to continue."""

    REPLY = "the mail server's reply"
    COMMIT = "its last outcome committed, and the next message, if any"
    MESSAGE = "a message"


T = TypeVar("T")
Steps = Generator[Awaits, Message | None, T]
"""A conversation that yields wherever it has to wait, is sent the next message, and returns a T."""


class SmtpTransaction:
    """``accepted``: how many messages the server accepted."""

    def __init__(self, sock: SmtpSocket, sender: str, *, pipelining: bool) -> None:
        self._socket = sock
        self._mail_from = b"MAIL FROM:<%s>\r\n" % sender.encode("ascii")
        self._pipelining = pipelining
        self._must_reset = False
        self.accepted = 0

    def begin(self, message: Message) -> None:
        """Sends the envelope if it can be pipelined, otherwise nothing."""
        self._socket.send(self._envelope_ahead(message))

    def envelope_replies(self, message: Message) -> Steps[Attempt | None]:
        """The result if the envelope is refused; None when the server waits for the text.

        Raises ConnectionLost. Raises ServerUnavailable if the server refuses us, not this message.
        """
        if self._must_reset:
            yield from self._reply_to(_RSET)
            self._must_reset = False
        mail_from, rcpt_to, data = self._envelope(message)
        sender = yield from self._reply_to(mail_from)
        if sender[0] // 100 != 2:
            raise ServerUnavailable(_said(sender))  # reads no more replies: the server may hang up
        recipient = yield from self._reply_to(rcpt_to)
        if recipient[0] // 100 != 2:
            return (yield from self._recipient_refused(recipient, data))
        start = yield from self._reply_to(data)
        if start[0] == 354:
            return None
        if start[0] // 100 in (2, 3):
            raise ConnectionLost(_said(start))  # not a reply to DATA: replies are out of step
        self._must_reset = True
        return classify_reply(*start)

    def _recipient_refused(self, recipient: Reply, data: bytes) -> Steps[Attempt]:
        """Also reads the reply to DATA, if it was sent already."""
        if not self._pipelining:
            self._must_reset = True
            return self._refusal(recipient)
        with suppress(ConnectionLost):  # some servers hang up after a refusal
            start = yield from self._reply_to(data)
            if start[0] == 354:  # it waits for a text without recipients, which it then refuses
                self._socket.send(_END_OF_DATA)
                yield from self._reply()
            else:
                self._must_reset = True
        return self._refusal(recipient)

    def _refusal(self, recipient: Reply) -> Attempt:
        if refuses_sender(recipient[1]) and not self.accepted:
            raise ServerUnavailable(_said(recipient))
        return classify_reply(*recipient)

    def end(self, message: Message, following: Message | None) -> Steps[Attempt]:
        """Sends the text of ``message``, together with the envelope of ``following``.

        Raises ConnectionLost, or OutcomeUnknown if the message may have been accepted.
        """
        self._refuse_early_reply()
        envelope = self._envelope_ahead(following) if following is not None else b""
        self._socket.send(message.content + _END_OF_DATA + envelope)
        try:
            reply = yield from self._reply()
        except ConnectionLost as lost:
            raise OutcomeUnknown(str(lost)) from lost
        attempt = classify_reply(*reply)
        if attempt.result is SendResult.SENT:
            self.accepted += 1
        return attempt

    def quit(self) -> Steps[None]:
        """Doesn't need a reply: accepted messages stay accepted."""
        self._socket.send(_QUIT)
        with suppress(ConnectionLost):
            yield from self._reply(_QUIT_TIME)

    def _refuse_early_reply(self) -> None:
        """Raises ConnectionLost. A reply before the text can't be about the text."""
        self._socket.receive()
        if self._socket.replies:
            raise ConnectionLost(_said(self._socket.replies[0]))
        if self._socket.broken:
            raise ConnectionLost(self._socket.broken)

    def _envelope_ahead(self, message: Message) -> bytes:
        if not self._pipelining:
            return b""
        return (_RSET if self._must_reset else b"") + b"".join(self._envelope(message))

    def _envelope(self, message: Message) -> tuple[bytes, bytes, bytes]:
        recipient = message.mail.recipient.encode("ascii")
        return self._mail_from, b"RCPT TO:<%s>\r\n" % recipient, b"DATA\r\n"

    def _reply_to(self, command: bytes) -> Steps[Reply]:
        """Sends ``command``, unless it has been sent already with PIPELINING.

        Raises ConnectionLost, also for 421, with which a server closes the connection.
        """
        if not self._pipelining:
            self._socket.send(command)
        reply = yield from self._reply()
        if reply[0] == 421:
            raise ConnectionLost(_said(reply))
        return reply

    def _reply(self, seconds: float | None = None) -> Steps[Reply]:
        """Raises ConnectionLost."""
        replies = self._socket.replies
        if not replies:
            self._socket.expect_reply(smtp_socket.TIMEOUT if seconds is None else seconds)
        while not replies:
            if self._socket.broken:
                raise ConnectionLost(self._socket.broken)
            yield Awaits.REPLY
        return replies.popleft()


def _said(reply: Reply) -> str:
    code, text = reply
    return printable(text, code)
