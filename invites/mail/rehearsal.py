"""A test mail handed over step by step, so that the installer sees where it gets stuck and why."""

import base64
import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid
from enum import StrEnum
from typing import TYPE_CHECKING

from invites.mail.message import OutgoingMail
from invites.mail.rendering import Postage, heading, rehearsal_parts
from invites.mail.replies import is_about_us, words
from invites.settings import MailServer

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CONNECT_TIME = 10.0  # seconds until connected, over all addresses of the server
TOTAL_TIME = 30.0  # seconds for everything: somebody waits for the page

_GOODBYE_TIME = 2.0
_LINES = 60  # of one answer; what a server says is a stranger's text
_LINE_BYTES = 4096
_SHOWN = 300  # characters of a line

# OpenSSL's reasons for which a certificate doesn't hold.
_EXPIRED = 10
_OTHER_NAME = (62, 64)


class Stage(StrEnum):
    """The steps of the conversation, in order."""

    CONNECT = "connect"
    ENCRYPT = "encrypt"
    GREETING = "greeting"
    HELLO = "hello"
    STARTTLS = "starttls"
    HELLO_AGAIN = "hello_again"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    MESSAGE = "message"


class Advice(StrEnum):
    """What is wrong, and hence what would do; the words are in web/mail_words.py."""

    NAME_UNKNOWN = "name_unknown"
    NOBODY_LISTENS = "nobody_listens"
    NO_ANSWER = "no_answer"
    PORT_BLOCKED = "port_blocked"
    NOT_ENCRYPTED_AT_ONCE = "not_encrypted_at_once"
    ENCRYPTED_AT_ONCE = "encrypted_at_once"
    ENCRYPTION_BROKEN = "encryption_broken"
    CERTIFICATE_NAME = "certificate_name"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    NOT_MAIL = "not_mail"
    UNWELCOME = "unwelcome"
    NO_STARTTLS = "no_starttls"
    NEEDS_ENCRYPTION = "needs_encryption"
    NO_LOGIN = "no_login"
    LOGIN_REFUSED = "login_refused"
    LOGIN_BROKEN = "login_broken"
    NEEDS_LOGIN = "needs_login"
    SENDER_REFUSED = "sender_refused"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    LATER = "later"
    TOO_SLOW = "too_slow"
    HUNG_UP = "hung_up"


@dataclass(frozen=True)
class Step:
    """One step: what it found, and what the server said to it, line by line."""

    stage: Stage
    is_done: bool
    said: tuple[str, ...]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Rehearsal:
    """The steps up to the first that failed, and what to do about that one."""

    recipient: str
    steps: tuple[Step, ...]
    advice: Advice | None


def trial_mail(recipient: str, postage: Postage, now: datetime) -> OutgoingMail:
    """The mail that a rehearsal hands over; ``recipient`` is a canonical address."""
    sender, headers = heading(None, postage)
    parts = rehearsal_parts(postage.links)
    return OutgoingMail(
        subject=parts.subject,
        sender=sender,
        recipient=recipient,
        text=parts.text,
        html=parts.html,
        message_id=make_msgid("rehearsal", sender.domain),
        date=now,
        headers=headers,
    )


def rehearse(server: MailServer, mail: OutgoingMail) -> Rehearsal:
    """Hand ``mail`` over as the worker would; takes TOTAL_TIME at most."""
    talk = _Talk(server)
    with contextlib.suppress(_OverError):
        _converse(talk, server, mail)
    talk.host.say_goodbye()
    return Rehearsal(mail.recipient, tuple(talk.steps), talk.advice)


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
        self.host = _Host(server)
        self.steps: list[Step] = []
        self.advice: Advice | None = None

    @contextlib.contextmanager
    def step(self, stage: Stage) -> Iterator[dict[str, str]]:
        """One step; the block fills in what it finds. Raises _OverError when it fails."""
        facts = {"host": self._server.host, "port": str(self._server.port)}
        self.host.heard.clear()
        try:
            yield facts
        except (OSError, ValueError) as error:  # smtplib's are OSErrors; ValueError: a broken AUTH
            self.advice = _advice(stage, error, self._server)
            self.steps.append(Step(stage, False, (*self._said(stage), *_system_said(error)), facts))
            raise _OverError from error
        self.steps.append(Step(stage, True, tuple(self._said(stage)), facts))

    def _said(self, stage: Stage) -> list[str]:
        """The server's own lines, without what it repeats of a password."""
        lines = [words(None, line)[:_SHOWN] for line in self.host.heard]
        if stage is not Stage.LOGIN:
            return lines
        answers = [line for line in lines if not line.startswith("3")]  # 334 asks for a piece
        return [_without(_secrets(self._server), line) for line in answers]


class _Host(smtplib.SMTP):
    """smtplib's conversation, with a record of it and one deadline for all of it."""

    def __init__(self, server: MailServer) -> None:
        super().__init__(local_hostname=socket.getfqdn())
        self._server = server
        self._until = time.monotonic() + TOTAL_TIME
        self.heard: list[bytes] = []

    def reach(self) -> str:
        """Connect; returns the address that answered. Raises OSError."""
        self.sock = _connected(self._server.host, self._server.port)
        address = str(self.sock.getpeername()[0])
        return f"{f'[{address}]' if ':' in address else address}:{self._server.port}"

    def encrypt(self) -> dict[str, str]:
        """Start TLS; returns its version and whom the certificate names. Raises ssl.SSLError."""
        sock = self._ready()
        context = ssl.create_default_context()
        secure = context.wrap_socket(sock, server_hostname=self._server.host)
        self.sock = secure
        # What the server said in the clear isn't to be believed (RFC 3207, 4.2).
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        certificate = secure.getpeercert() or {}
        names = [str(named[1]) for named in certificate.get("subjectAltName", ())]
        return {
            "protocol": secure.version() or "TLS",
            "names": words(None, ", ".join(names[:3]))[:_SHOWN],
        }

    def introduce(self) -> str:
        """Say EHLO, or HELO to an old server; returns what it offers."""
        self.ehlo_or_helo_if_needed()
        return words(None, ", ".join(sorted(self.esmtp_features)).upper())[:_SHOWN] or "-"

    def send(self, s: "ReadableBuffer | str") -> None:
        """Send in the time that is left."""
        self._ready()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """The next answer. Raises OSError also when it trickles in for too long."""
        texts: list[bytes] = []
        while len(texts) < _LINES:
            line = self._line()
            texts.append(line[4:].strip())
            if not line[:3].isdigit():
                return -1, line
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(texts)
        return -1, b""

    def say_goodbye(self) -> None:
        """End; what was taken stays taken if nobody listens any more."""
        self._until = min(self._until, time.monotonic() + _GOODBYE_TIME)
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.docmd("QUIT")
        self.close()

    def _line(self) -> bytes:
        line = b""
        try:
            while not line.endswith(b"\n") and len(line) < _LINE_BYTES:
                byte = self._ready().recv(1)
                if not byte:
                    raise smtplib.SMTPServerDisconnected
                line += byte
        finally:
            if line:
                self.heard.append(line)
        return line

    def _ready(self) -> socket.socket:
        """The socket, which waits no longer than there is time left."""
        left = self._until - time.monotonic()
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        return self.sock


def _connected(host: str, port: int) -> socket.socket:
    """A connection to the first address of ``host`` that answers. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    trouble = OSError()
    for place in found:
        address = str(place[4][0])
        try:
            return socket.create_connection((address, port), timeout=CONNECT_TIME / len(found))
        except OSError as error:
            trouble = error
    raise trouble


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
    return (words(None, text)[:_SHOWN],) if text else ()


def _advice(stage: Stage, error: Exception, server: MailServer) -> Advice:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        reply = text if isinstance(text, bytes) else text.encode()
        return _about_reply(stage, error.smtp_code, reply)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Advice.NO_STARTTLS if stage is Stage.STARTTLS else Advice.NO_LOGIN
    if isinstance(error, ssl.SSLError):
        return _about_encryption(stage, error)
    if stage is Stage.CONNECT:
        return _about_connecting(error, server.port)
    if stage is Stage.GREETING and not server.use_ssl:
        return Advice.ENCRYPTED_AT_ONCE
    if isinstance(error, TimeoutError):
        return Advice.TOO_SLOW
    return Advice.LOGIN_BROKEN if isinstance(error, ValueError) else Advice.HUNG_UP


def _about_connecting(error: Exception, port: int) -> Advice:
    if isinstance(error, socket.gaierror | ValueError):  # ValueError: no name can be like that
        return Advice.NAME_UNKNOWN
    if isinstance(error, ConnectionRefusedError):
        return Advice.NOBODY_LISTENS
    return Advice.PORT_BLOCKED if port == 25 else Advice.NO_ANSWER


def _about_encryption(stage: Stage, error: ssl.SSLError) -> Advice:
    if not isinstance(error, ssl.SSLCertVerificationError):
        at_once = stage is Stage.ENCRYPT
        return Advice.NOT_ENCRYPTED_AT_ONCE if at_once else Advice.ENCRYPTION_BROKEN
    if error.verify_code in _OTHER_NAME:
        return Advice.CERTIFICATE_NAME
    expired = error.verify_code == _EXPIRED
    return Advice.CERTIFICATE_EXPIRED if expired else Advice.CERTIFICATE_UNTRUSTED


def _about_reply(stage: Stage, code: int, reply: bytes) -> Advice:
    if code < 0:
        return Advice.NOT_MAIL
    if stage is Stage.STARTTLS:
        return Advice.NO_STARTTLS
    if code // 100 == 4:
        return Advice.LATER
    if code == 538 or b"starttls" in reply.lower():
        return Advice.NEEDS_ENCRYPTION
    if stage in (Stage.SENDER, Stage.RECIPIENT):
        return _about_envelope(stage, code, reply)
    by_stage = {Stage.LOGIN: Advice.LOGIN_REFUSED, Stage.MESSAGE: Advice.MESSAGE_REFUSED}
    return by_stage.get(stage, Advice.UNWELCOME)


def _about_envelope(stage: Stage, code: int, reply: bytes) -> Advice:
    if code == 530 or is_about_us(reply):
        return Advice.NEEDS_LOGIN
    # Many servers say only after the recipient that they don't like the sender.
    if stage is Stage.SENDER or b"sender" in reply.lower():
        return Advice.SENDER_REFUSED
    return Advice.RECIPIENT_REFUSED
