"""Logs in or sends a test email step by step, to show which step fails and why."""

import base64
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from invites.core.settings import MailServer
from invites.mail.message import OutgoingMail
from invites.mail_check.diagnosis import Diagnosis, diagnose
from invites.sending.smtp_client import Facts, SmtpClient, Stage
from invites.sending.smtp_replies import printable

CONNECT_TIME = 10.0  # seconds, for all addresses of the server
TOTAL_TIME = 30.0  # seconds for everything, because a person waits for the page

_MAX_SHOWN = 300  # characters of a line from the server


@dataclass(frozen=True)
class Step:
    """``said``: lines from the server, and the text of a system error."""

    stage: Stage
    is_done: bool
    said: tuple[str, ...]
    facts: Facts


@dataclass(frozen=True)
class Attempt:
    """The steps up to the first that failed, and the diagnosis of that one."""

    steps: tuple[Step, ...]
    diagnosis: Diagnosis | None


@dataclass(frozen=True)
class MailTest(Attempt):
    recipient: str


def send_test_mail(server: MailServer, mail: OutgoingMail) -> MailTest:
    """Takes at most TOTAL_TIME seconds, unless the name server is slow."""
    client = SmtpClient(server, connect_time=CONNECT_TIME, total_time=TOTAL_TIME)
    envelope = {"sender": str(mail.sender), "recipient": mail.recipient}
    done = _take(client, _steps(client, mail), envelope)
    return MailTest(done.steps, done.diagnosis, mail.recipient)


def try_login(server: MailServer, seconds: float) -> Attempt:
    """Connects and logs in, but sends nothing. A slow name server makes it take longer."""
    client = SmtpClient(server, connect_time=seconds / 2, total_time=seconds)
    return _take(client, client.steps(), {})


def _take(
    client: SmtpClient, actions: Iterator[tuple[Stage, Callable[[], Facts]]], envelope: Facts
) -> Attempt:
    """``envelope``: the facts of the steps after the login, known even if one fails."""
    server = client.server
    known = {"host": server.host, "port": str(server.port), "username": server.username or ""}
    steps: list[Step] = []
    diagnosis: Diagnosis | None = None
    for stage, action in actions:
        facts = {**known, **envelope}
        client.trace.clear()
        try:
            facts |= {name: text[:_MAX_SHOWN] for name, text in action().items()}
        except (OSError, ValueError) as error:  # as SmtpClient raises them
            diagnosis = diagnose(stage, error, server)
            said = (*_said(client, stage), *_system_error(error))
            steps.append(Step(stage, is_done=False, said=said, facts=facts))
            break
        steps.append(Step(stage, is_done=True, said=_said(client, stage), facts=facts))
    client.quit_quickly()
    return Attempt(tuple(steps), diagnosis)


def _steps(client: SmtpClient, mail: OutgoingMail) -> Iterator[tuple[Stage, Callable[[], Facts]]]:
    yield from client.steps()
    sender, content = str(mail.sender), mail.as_bytes()
    yield Stage.SENDER, lambda: _expect_success(client.mail(sender))
    yield Stage.RECIPIENT, lambda: _expect_success(client.rcpt(mail.recipient))
    yield Stage.MESSAGE, lambda: _expect_success(client.data(content))


def _expect_success(reply: tuple[int, bytes]) -> Facts:
    code, text = reply
    if code // 100 != 2:
        raise smtplib.SMTPResponseException(code, text)
    return {}


def _said(client: SmtpClient, stage: Stage) -> tuple[str, ...]:
    """The server's replies. Hides the password if the server repeats it."""
    lines = tuple(printable(line)[:_MAX_SHOWN] for line in client.trace)
    if stage is not Stage.LOGIN:
        return lines
    replies = [line for line in lines if not line.startswith("3")]  # 334 asks for credentials
    # Without duplicates: smtplib tries several mechanisms, and most replies are the same.
    return tuple(dict.fromkeys(_without_secrets(client.server, line) for line in replies))


def _without_secrets(server: MailServer, line: str) -> str:
    """Also hides the password as AUTH encodes it (RFC 4954 and RFC 4616)."""
    username, password = server.username or "", server.password or ""
    plain = f"\0{username}\0{password}"
    encoded = (base64.b64encode(secret.encode()).decode() for secret in (plain, password))
    for secret in (*encoded, password):
        line = line.replace(secret, "…")
    return line


def _system_error(error: Exception) -> tuple[str, ...]:
    """The text of an error that isn't a reply of the server."""
    text = ""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = error.verify_message
    elif isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
        text = error.strerror or ""
    return (printable(text)[:_MAX_SHOWN],) if text else ()
