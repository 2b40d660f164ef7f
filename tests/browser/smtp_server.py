"""A real SMTP server that keeps what it is given."""

import email
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller

_PATIENCE = 30  # seconds


class SmtpServer:
    """Takes every mail, but for addresses that begin with ``full``."""

    def __init__(self) -> None:
        self.port = free_port()
        self._mails: list[EmailMessage] = []
        self._arrived = threading.Condition()

    @contextmanager
    def open(self) -> Iterator["SmtpServer"]:
        """Listen while the block runs."""
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()

    async def handle_RCPT(  # noqa: N802  # aiosmtpd calls it so
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("full"):
            return "552 5.2.2 The mailbox is full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        mail = email.message_from_bytes(envelope.content, policy=default)
        with self._arrived:
            self._mails.append(cast(EmailMessage, mail))
            self._arrived.notify_all()
        return "250 Taken"

    def mail_to(self, address: str, number: int = 1) -> EmailMessage:
        """The mail to ``address``, or the second, third …; waits until it is there."""
        with self._arrived:
            there = self._arrived.wait_for(lambda: len(self._to(address)) >= number, _PATIENCE)
            assert there, f"no mail number {number} to {address}"
            return self._to(address)[number - 1]

    def wait_for(self, count: int) -> None:
        """Wait until so many mails are there."""
        with self._arrived:
            there = self._arrived.wait_for(lambda: len(self._mails) >= count, _PATIENCE)
            assert there, f"{len(self._mails)} mails came, not {count}"

    def _to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self._mails if mail["To"] == address]


def text_of(mail: EmailMessage) -> str:
    """The mail's text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(mail: EmailMessage) -> str:
    """The first link of a mail: the one it was sent for."""
    return re.findall(r"https?://\S+", text_of(mail))[0]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
