"""What repeats for every mail in an SMTP conversation (RFC 5321, 3.3), pipelined (RFC 2920).

Where the server offers PIPELINING, the end of one mail and the whole envelope
of the next travel together, so that a mail costs one round trip, not four.
"""

import smtplib
from contextlib import suppress

from invites.attempts import Outcome, Result
from invites.mail.mailroom import Letter
from invites.mail.replies import (
    LostError,
    TroubleError,
    UnansweredError,
    is_about_us,
    judge,
    words,
)

_END = b".\r\n"
_RESET = b"RSET\r\n"

Reply = tuple[int, bytes]


class Exchange:
    """Mails over one open connection, one after the other."""

    def __init__(self, host: smtplib.SMTP, sender: str) -> None:
        self._host = host
        self._sender = sender
        self._pipelines = host.has_extn("pipelining")
        self._must_reset = False
        self.taken = 0

    def begin(self, letter: Letter) -> None:
        """Send the envelope of ``letter``, if the server takes it in one go."""
        self._send(self._opening(letter))

    def asked(self, letter: Letter) -> Outcome | None:
        """What the server says to the envelope: None when it waits for the mail.

        Raises LostError, and TroubleError when it refuses us, not this mail.
        """
        if self._must_reset:
            self._answer(_RESET)
            self._must_reset = False
        about_sender, about_recipient, start = self._commands(letter)
        mail = self._answer(about_sender)
        if mail[0] // 100 != 2:
            raise TroubleError(words(*mail))  # at once: it may hang up and say no more
        recipient = self._answer(about_recipient)
        if recipient[0] // 100 != 2:
            return self._refused(recipient, start)
        data = self._answer(start)
        if data[0] == 354:
            return None
        if data[0] // 100 in (2, 3):
            raise LostError(words(*data))  # not an answer to DATA: we aren't in step any more
        self._must_reset = True
        return judge(*data)

    def _refused(self, recipient: Reply, start: bytes) -> Outcome:
        """What the refusal of a recipient means, once DATA, which may be out, is answered too."""
        with suppress(LostError):  # it may hang up on whom it refuses
            if self._answer(start)[0] == 354:  # it waits for a mail to nobody, to refuse that
                self._send(_END)
                self._reply()
            else:
                self._must_reset = True
        if is_about_us(recipient[1]) and not self.taken:
            raise TroubleError(words(*recipient))
        return judge(*recipient)

    def end(self, letter: Letter, following: Letter | None) -> Outcome:
        """Send the text of ``letter``, and the envelope of ``following`` along with it.

        Raises LostError, and UnansweredError when nobody knows what became of the mail.
        """
        opening = self._opening(following) if following is not None else b""
        try:
            self._send(letter.content + _END + opening)
            reply = self._reply()
        except LostError as lost:
            raise UnansweredError(str(lost)) from lost
        outcome = judge(*reply)
        if outcome.result is Result.SENT:
            self.taken += 1
        return outcome

    def _opening(self, letter: Letter) -> bytes:
        if not self._pipelines:
            return b""
        return (_RESET if self._must_reset else b"") + b"".join(self._commands(letter))

    def _commands(self, letter: Letter) -> tuple[bytes, bytes, bytes]:
        return (
            b"MAIL FROM:<%s>\r\n" % self._sender.encode("ascii"),
            b"RCPT TO:<%s>\r\n" % letter.mail.recipient.encode("ascii"),
            b"DATA\r\n",
        )

    def _answer(self, command: bytes) -> Reply:
        """The answer to ``command``, which was sent long ago when commands travel together.

        Raises LostError, for 421 too, by which a server closes the connection.
        """
        if not self._pipelines:
            self._send(command)
        code, text = self._reply()
        if code == 421:
            raise LostError(words(code, text))
        return code, text

    def _send(self, content: bytes) -> None:
        if not content:
            return
        if self._host.sock is None:
            raise LostError("not connected")
        try:
            self._host.sock.sendall(content)
        except OSError as broken:
            raise LostError(words(None, str(broken))) from broken

    def _reply(self) -> Reply:
        try:
            code, text = self._host.getreply()
        except (OSError, smtplib.SMTPException) as broken:
            raise LostError(words(None, str(broken))) from broken
        if code == -1:
            raise LostError(words(None, text))
        return code, text
