"""What repeats for every mail in an SMTP conversation (RFC 5321, 3.3), pipelined (RFC 2920).

Where the server offers PIPELINING, the end of one mail and the whole envelope
of the next travel together, so that a mail costs one round trip, not four.
"""

from collections.abc import Generator
from contextlib import suppress
from enum import Enum
from typing import TypeVar

from invites.mail.builder import Letter
from invites.outbox.retry import Attempt, SendResult
from invites.sending import smtp_socket
from invites.sending.smtp_replies import (
    ConnectionLost,
    OutcomeUnknown,
    ServerUnavailable,
    classify_reply,
    is_about_us,
    words,
)
from invites.sending.smtp_socket import Reply, SmtpSocket

_END = b".\r\n"
_RESET = b"RSET\r\n"
_QUIT = b"QUIT\r\n"
_GOODBYE_TIME = 5.0  # seconds


class Awaited(Enum):
    """What a conversation waits for before it goes on."""

    ANSWER = "the mail server's answer"
    TURN = "what it did being written down, and the next mail, if there is one"
    WORK = "a mail, as it has none in hand"


T = TypeVar("T")
Steps = Generator[Awaited, None, T]
"""A conversation that stops wherever it has to wait, says for what, and goes on when that is there.

It ends with a T.
"""


class SmtpTransaction:
    """Mails over one open connection, one after the other. ``taken``: how many the server took."""

    def __init__(self, line: SmtpSocket, sender: str, *, pipelines: bool) -> None:
        self._line = line
        self._from = b"MAIL FROM:<%s>\r\n" % sender.encode("ascii")
        self._pipelines = pipelines
        self._must_reset = False
        self.taken = 0

    def begin(self, letter: Letter) -> None:
        """Send the envelope of ``letter``, if the server takes it in one go."""
        self._line.send(self._opening(letter))

    def asked(self, letter: Letter) -> Steps[Attempt | None]:
        """What the server says to the envelope: None when it waits for the mail.

        Raises ConnectionLost, and ServerUnavailable when it refuses us, not this mail.
        """
        if self._must_reset:
            yield from self._answer(_RESET)
            self._must_reset = False
        about_sender, about_recipient, start = self._commands(letter)
        mail = yield from self._answer(about_sender)
        if mail[0] // 100 != 2:
            raise ServerUnavailable(words(*mail))  # at once: it may hang up and say no more
        recipient = yield from self._answer(about_recipient)
        if recipient[0] // 100 != 2:
            return (yield from self._refused(recipient, start))
        data = yield from self._answer(start)
        if data[0] == 354:
            return None
        if data[0] // 100 in (2, 3):
            raise ConnectionLost(words(*data))  # not an answer to DATA: we aren't in step any more
        self._must_reset = True
        return classify_reply(*data)

    def _refused(self, recipient: Reply, start: bytes) -> Steps[Attempt]:
        """What the refusal of a recipient means, once DATA, which may be out, is answered too."""
        with suppress(ConnectionLost):  # it may hang up on whom it refuses
            data = yield from self._answer(start)
            if data[0] == 354:  # it waits for a mail to nobody, to refuse that
                self._line.send(_END)
                yield from self._reply()
            else:
                self._must_reset = True
        if is_about_us(recipient[1]) and not self.taken:
            raise ServerUnavailable(words(*recipient))
        return classify_reply(*recipient)

    def end(self, letter: Letter, following: Letter | None) -> Steps[Attempt]:
        """Send the text of ``letter``, and the envelope of ``following`` along with it.

        Raises ConnectionLost, and OutcomeUnknown when nobody knows what became of the mail.
        """
        self._refuse_early_news()
        opening = self._opening(following) if following is not None else b""
        self._line.send(letter.content + _END + opening)
        try:
            reply = yield from self._reply()
        except ConnectionLost as lost:
            raise OutcomeUnknown(str(lost)) from lost
        outcome = classify_reply(*reply)
        if outcome.result is SendResult.SENT:
            self.taken += 1
        return outcome

    def say_goodbye(self) -> Steps[None]:
        """End the conversation; what was taken stays taken if nobody listens any more."""
        self._line.send(_QUIT)
        with suppress(ConnectionLost):
            yield from self._reply(_GOODBYE_TIME)

    def _refuse_early_news(self) -> None:
        """Raises ConnectionLost for what comes before the text: that isn't about the text."""
        self._line.receive()
        if self._line.answers:
            raise ConnectionLost(words(*self._line.answers[0]))
        if self._line.broken:
            raise ConnectionLost(self._line.broken)

    def _opening(self, letter: Letter) -> bytes:
        if not self._pipelines:
            return b""
        return (_RESET if self._must_reset else b"") + b"".join(self._commands(letter))

    def _commands(self, letter: Letter) -> tuple[bytes, bytes, bytes]:
        return (
            self._from,
            b"RCPT TO:<%s>\r\n" % letter.mail.recipient.encode("ascii"),
            b"DATA\r\n",
        )

    def _answer(self, command: bytes) -> Steps[Reply]:
        """The answer to ``command``, which was sent long ago when commands travel together.

        Raises ConnectionLost, for 421 too, by which a server closes the connection.
        """
        if not self._pipelines:
            self._line.send(command)
        code, text = yield from self._reply()
        if code == 421:
            raise ConnectionLost(words(code, text))
        return code, text

    def _reply(self, seconds: float | None = None) -> Steps[Reply]:
        """The next answer, for which the server has so long. Raises ConnectionLost."""
        self._line.expect(smtp_socket.TIMEOUT if seconds is None else seconds)
        while not self._line.answers:
            if self._line.broken:
                raise ConnectionLost(self._line.broken)
            yield Awaited.ANSWER
        return self._line.answers.popleft()
