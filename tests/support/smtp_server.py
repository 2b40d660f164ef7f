"""A real SMTP server that keeps the emails it accepts, and refuses those that a test chooses."""

import asyncio
import email
import random
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

_PATIENCE = 30  # seconds
_PORTS = range(10_000, 32_000)  # below those that the system uses for outgoing connections


@dataclass(frozen=True)
class ReceivedMail:
    """An email as it was received."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        parsed: Any = email.message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class SmtpServer:
    """Replies ``refusals[address]`` to RCPT and ``data_refusals[address]`` to DATA.

    Mailboxes whose address begins with ``full`` are full, unless it is empty.
    """

    received: list[ReceivedMail] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    data_refusals: dict[str, str] = field(default_factory=dict)
    full: str = ""
    hang_up_after_data: bool = False
    claims_starttls: bool = False
    slow: float = 0.0
    passwords: list[bytes] = field(default_factory=list)
    right_password: bytes = b"right"
    port: int = field(default_factory=lambda: free_port())
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def open(
        self, *, asks_password: bool = False, tls: ssl.SSLContext | None = None, **options: Any
    ) -> Iterator["SmtpServer"]:
        """Listens during the block."""
        if asks_password:
            options |= {"authenticator": self._check, "auth_required": True}
            options["auth_require_tls"] = False
        controller = Controller(
            self, hostname="127.0.0.1", port=self.port, tls_context=tls, **options
        )
        controller.start()
        try:
            yield self
        finally:
            controller.stop()

    @property
    def recipients(self) -> list[str]:
        """In the order of delivery."""
        return [address for mail in self.received for address in mail.recipients]

    def to(self, address: str) -> EmailMessage:
        """The newest email to ``address``."""
        return self._to(address)[-1].mail

    def wait_for_mail(self, address: str, number: int = 1) -> EmailMessage:
        """Waits for the email to ``address``, or the second, third … one, and returns it."""
        self._wait(lambda: len(self._to(address)) >= number, f"mail {number} to {address}")
        return self._to(address)[number - 1].mail

    def wait_for_count(self, count: int) -> None:
        """Waits until this many emails have arrived."""
        self._wait(lambda: len(self.received) >= count, f"{count} mails")

    def _to(self, address: str) -> list[ReceivedMail]:
        return [one for one in self.received if address in one.recipients]

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._arrived:
            arrived = self._arrived.wait_for(condition, _PATIENCE)
            assert arrived, f"waited for {what}, got {self.recipients}"

    def _check(self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.passwords.append(data.password)
        return AuthResult(success=data.password == self.right_password, handled=False)

    async def handle_EHLO(  # noqa: N802  # aiosmtpd calls it so
        self, _server: SMTP, session: Any, _envelope: Any, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        if self.claims_starttls:
            replies.insert(1, "250-STARTTLS")
        return replies

    async def handle_RCPT(  # noqa: N802  # aiosmtpd calls it so
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        if self.full and address.startswith(self.full):
            return "552 5.2.2 The mailbox is full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, server: SMTP, _session: Any, envelope: Any
    ) -> str:
        refusal = self.data_refusals.get(envelope.rcpt_tos[0])
        if refusal:
            return refusal
        await asyncio.sleep(self.slow)
        with self._arrived:
            content = envelope.content
            self.received.append(ReceivedMail(envelope.mail_from, envelope.rcpt_tos, content))
            self._arrived.notify_all()
        if self.hang_up_after_data:
            self.hang_up_after_data = False
            assert server.transport is not None
            server.transport.abort()
        return "250 Taken"


def text_of(mail: EmailMessage) -> str:
    """The email's plain text."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(mail: EmailMessage) -> str:
    """The first link in an email, which is its main link."""
    return re.findall(r"https?://\S+", text_of(mail))[0]


def free_port() -> int:
    """A port on which nothing listens, and that the system doesn't assign by itself."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
