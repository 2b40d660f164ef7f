"""Hands mail over by SMTP: Flask-Mail's connection, hardened, and what the answers mean."""

import re
import smtplib
import ssl
from types import TracebackType
from typing import Any, cast

import flask_mail

from invites.mail.message import OutgoingMail
from invites.outbox import Outcome, Result

# A refusal of the recipient that means the sender: no log-in, no relaying for us.
_ABOUT_US = re.compile(rb"relay|authenticat", re.IGNORECASE)

TIMEOUT = 15  # seconds that the mail server may stay silent


class QueueTrouble(Exception):
    """The mail server can't be used now: nothing is wrong with the mail, all of it waits."""


class SafeConnection(flask_mail.Connection):
    """A connection with a time-out, checked certificates, and no lost errors.

    Flask-Mail's own has none of them, and its QUIT on a dead connection hides
    what happened before.
    """

    host: smtplib.SMTP | smtplib.SMTP_SSL | None

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, encrypt, log in. Raises OSError or smtplib.SMTPException."""
        mail = self.mail
        context = ssl.create_default_context()
        if mail.use_ssl:
            host: smtplib.SMTP = smtplib.SMTP_SSL(
                mail.server, mail.port, timeout=TIMEOUT, context=context
            )
        else:
            host = smtplib.SMTP(mail.server, mail.port, timeout=TIMEOUT)
        try:
            if mail.use_tls:
                host.starttls(context=context)  # raises when refused: no log-in in the clear
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say goodbye if anybody listens; what was accepted stays accepted if not."""
        if self.host is not None:
            try:
                self.host.quit()
            except (OSError, smtplib.SMTPException):
                self.host.close()

    def hand_over(self, mail: OutgoingMail) -> Outcome:
        """Send one mail to its one recipient.

        Raises QueueTrouble when the trouble isn't this mail's own.
        """
        if mail.has_bad_headers():
            return Outcome(Result.FAILED, text="The mail has a control character in a header.")
        if self.host is None:
            raise QueueTrouble("not connected")
        try:
            self.host.sendmail(mail.from_header.addr_spec, [mail.recipient], mail.as_bytes())
        except smtplib.SMTPRecipientsRefused as refusal:
            code, reply = refusal.recipients[mail.recipient]
            if _ABOUT_US.search(reply) and not self.num_emails:
                raise QueueTrouble(words(code, reply)) from refusal
            return self._judge(code, reply)
        except smtplib.SMTPDataError as refusal:
            return self._judge(refusal.smtp_code, refusal.smtp_error)
        except smtplib.SMTPResponseException as refusal:  # MAIL FROM or HELO: hits every mail
            raise QueueTrouble(words(refusal.smtp_code, refusal.smtp_error)) from refusal
        except (OSError, smtplib.SMTPException) as broken:
            raise QueueTrouble(_what_broke(broken)) from broken
        self.num_emails += 1
        flask_mail.email_dispatched.send(None, message=mail)
        return Outcome(Result.SENT, code=250)

    @staticmethod
    def _judge(code: int, reply: bytes | str) -> Outcome:
        text = words(None, reply)
        if code == 421:
            raise QueueTrouble(words(code, reply))
        return Outcome(Result.FAILED if 500 <= code < 600 else Result.RETRY, code, text)


def connect(mail: flask_mail.Mail) -> SafeConnection:
    """An open connection to the configured server. Raises QueueTrouble with the reason."""
    connection = SafeConnection(cast(Any, mail.state))
    try:
        connection.__enter__()
    except smtplib.SMTPResponseException as refusal:
        raise QueueTrouble(words(refusal.smtp_code, refusal.smtp_error)) from refusal
    except (OSError, smtplib.SMTPException, ValueError) as broken:  # ValueError: a broken AUTH
        raise QueueTrouble(_what_broke(broken)) from broken
    return connection


def _what_broke(error: Exception) -> str:
    """The operating system's or the protocol's words, without their numbers."""
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time."
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words(None, text or type(error).__name__)


def words(code: int | None, reply: bytes | str) -> str:
    """What a mail server said, on one line, as printable text."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    line = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(f"{code or ''} {line}".split())
