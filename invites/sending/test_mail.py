"""A test mail handed over step by step, so that the installer sees where it gets stuck and why."""

import base64
import contextlib
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid

from invites.core.settings import MailServer
from invites.mail.message import OutgoingMail
from invites.mail.rendering import MailContext, heading, test_mail_parts
from invites.sending.diagnosis import Diagnosis, Stage, advice
from invites.sending.smtp_replies import words
from invites.sending.traced_smtp import SHOWN, TracedSMTP


@dataclass(frozen=True)
class Step:
    """One step: what it found, and what the server said to it, line by line."""

    stage: Stage
    is_done: bool
    said: tuple[str, ...]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class MailTest:
    """The steps up to the first that failed, and what to do about that one."""

    recipient: str
    steps: tuple[Step, ...]
    advice: Diagnosis | None


def build_test_mail(recipient: str, mail_context: MailContext, now: datetime) -> OutgoingMail:
    """The mail that a test_mail hands over; ``recipient`` is a canonical address."""
    sender, headers = heading(None, mail_context)
    parts = test_mail_parts(mail_context.links)
    return OutgoingMail(
        subject=parts.subject,
        sender=sender,
        recipient=recipient,
        text=parts.text,
        html=parts.html,
        message_id=make_msgid("test_mail", sender.domain),
        date=now,
        headers=headers,
    )


def send_test_mail(server: MailServer, mail: OutgoingMail) -> MailTest:
    """Hand ``mail`` over as the worker would; takes TOTAL_TIME at most."""
    talk = _Talk(server)
    with contextlib.suppress(_OverError):
        _converse(talk, server, mail)
    talk.host.say_goodbye()
    return MailTest(mail.recipient, tuple(talk.steps), talk.advice)


def _converse(talk: "_Talk", server: MailServer, mail: OutgoingMail) -> None:
    host, content = talk.host, mail.as_bytes()
    with talk.step(Stage.CONNECT) as facts:
        facts["address"] = host.reach()
    if server.use_ssl:
        with talk.step(Stage.ENCRYPT) as facts:
            facts.update(host.encrypt())
    with talk.step(Stage.GREETING):
        _expect_yes(host.getreply())
    with talk.step(Stage.HELLO) as facts:
        facts["offers"] = host.introduce()
    if server.use_tls:
        with talk.step(Stage.STARTTLS) as facts:
            if not host.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError
            _expect_yes(host.docmd("STARTTLS"))
            facts.update(host.encrypt())
        with talk.step(Stage.HELLO_AGAIN) as facts:
            facts["offers"] = host.introduce()
    if server.username and server.password:
        with talk.step(Stage.LOGIN) as facts:
            facts["username"] = server.username
            host.login(server.username, server.password)
    with talk.step(Stage.SENDER) as facts:
        facts["sender"] = mail.from_header.addr_spec
        _expect_yes(host.mail(mail.from_header.addr_spec))
    with talk.step(Stage.RECIPIENT) as facts:
        facts["recipient"] = mail.recipient
        _expect_yes(host.rcpt(mail.recipient))
    with talk.step(Stage.MESSAGE):
        _expect_yes(host.data(content))


def _expect_yes(reply: tuple[int, bytes]) -> None:
    code, text = reply
    if code // 100 != 2:
        raise smtplib.SMTPResponseException(code, text)


class _OverError(Exception):
    """A step failed, and so the conversation is over."""


class _Talk:
    """Writes down how the conversation goes."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self.host = TracedSMTP(server)
        self.steps: list[Step] = []
        self.advice: Diagnosis | None = None

    @contextlib.contextmanager
    def step(self, stage: Stage) -> Iterator[dict[str, str]]:
        """One step; the block fills in what it finds. Raises _OverError when it fails."""
        facts = {"host": self._server.host, "port": str(self._server.port)}
        self.host.heard.clear()
        try:
            yield facts
        except (OSError, ValueError) as error:  # smtplib's are OSErrors; ValueError: a broken AUTH
            self.advice = advice(stage, error, self._server)
            self.steps.append(Step(stage, False, (*self._said(stage), *_system_said(error)), facts))
            raise _OverError from error
        self.steps.append(Step(stage, True, tuple(self._said(stage)), facts))

    def _said(self, stage: Stage) -> list[str]:
        """The server's own lines, without what it repeats of a password."""
        lines = [words(None, line)[:SHOWN] for line in self.host.heard]
        if stage is not Stage.LOGIN:
            return lines
        answers = [line for line in lines if not line.startswith("3")]  # 334 asks for a piece
        # Once: smtplib tries other ways to log in, and the answer to each is the same mostly.
        return list(dict.fromkeys(_without(_secrets(self._server), line) for line in answers))


def _secrets(server: MailServer) -> list[str]:
    """The password, and as it goes over the wire (RFC 4954 and RFC 4616)."""
    username, password = server.username or "", server.password or ""
    plain = f"\0{username}\0{password}"
    return [*(base64.b64encode(s.encode()).decode() for s in (plain, password)), password]


def _without(secrets: list[str], line: str) -> str:
    for secret in secrets:
        line = line.replace(secret, "…")
    return line


def _system_said(error: Exception) -> tuple[str, ...]:
    """The operating system's or OpenSSL's words, where the server said nothing."""
    text = ""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = error.verify_message
    elif isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
        text = error.strerror or ""
    return (words(None, text)[:SHOWN],) if text else ()
