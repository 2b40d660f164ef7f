"""The SMTP client that opens connections: smtplib's, with deadlines, limits and a trace.

smtplib itself waits for a reply as long as bytes trickle in, reads replies of any size, and gives
each address of a server the full time to connect.
"""

import contextlib
import functools
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from invites.core.settings import MailServer
from invites.sending import smtp_socket
from invites.sending.smtp_replies import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MAX_LINES = 60  # of one reply
_MAX_LINE = 4096  # bytes
_QUIT_TIME = 2.0  # seconds

Facts = Mapping[str, str]
"""What a step found out."""


class Stage(StrEnum):
    """The steps of an SMTP conversation, in order. The last three are those of a test mail."""

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


class SmtpClient(smtplib.SMTP):
    """Opens a connection to ``server``. ``trace`` gets every line that the server sends.

    Every step must succeed before the next one: without TLS no password is sent, and the
    certificate is checked. Raises OSError (smtplib's errors are OSErrors), or ValueError for a
    broken AUTH exchange. Each reply may take ``smtp_socket.TIMEOUT`` seconds.
    """

    def __init__(
        self,
        server: MailServer,
        *,
        connect_time: float = float("inf"),
        total_time: float = float("inf"),
    ) -> None:
        """``connect_time``: seconds for all addresses of the server together."""
        super().__init__(local_hostname=_own_name())
        self.server = server
        self._connect_time = min(connect_time, smtp_socket.TIMEOUT)
        self._deadline = time.monotonic() + total_time
        self._reply_deadline = float("inf")
        self.trace: list[bytes] = []

    def steps(self) -> Iterator[tuple[Stage, Callable[[], Facts]]]:
        """The function of each step runs it, and returns what it found."""
        yield Stage.CONNECT, self._connect
        if self.server.use_ssl:
            yield Stage.ENCRYPT, self._encrypt
        yield Stage.GREETING, self._read_greeting
        yield Stage.HELLO, self._say_hello
        if self.server.use_tls:
            yield Stage.STARTTLS, self._start_tls
            yield Stage.HELLO_AGAIN, self._say_hello
        if self.server.username and self.server.password:
            yield Stage.LOGIN, self._log_in

    def send(self, s: "ReadableBuffer | str") -> None:
        self._start_waiting()
        self._limited_socket()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """The code is -1 if it isn't a reply."""
        self._start_waiting()
        texts: list[bytes] = []
        while len(texts) < _MAX_LINES:
            line = self._read_line()
            texts.append(line[4:].strip())
            if not line[:3].isdigit():
                return -1, line
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(texts)
        return -1, b"The mail server's reply does not end."

    def quit_quickly(self) -> None:
        """Waits only briefly for the reply: an accepted message stays accepted."""
        self._deadline = min(self._deadline, time.monotonic() + _QUIT_TIME)
        with contextlib.suppress(OSError):
            self.docmd("QUIT")
        self.close()

    def _connect(self) -> Facts:
        """Divides the time among the server's addresses; smtplib gives each the full time."""
        found = socket.getaddrinfo(self.server.host, self.server.port, type=socket.SOCK_STREAM)
        error = OSError()
        for *_, address in found:
            where = (str(address[0]), self.server.port)
            try:
                self.sock = socket.create_connection(where, timeout=self._connect_time / len(found))
            except OSError as failure:
                error = failure
            else:
                ip = str(self.sock.getpeername()[0])
                return {"address": f"{f'[{ip}]' if ':' in ip else ip}:{self.server.port}"}
        raise error

    def _encrypt(self) -> Facts:
        self._start_waiting()
        # Closes the socket if the server can't prove its name, so nothing more is sent to it.
        self.sock = secure = ssl.create_default_context().wrap_socket(
            self._limited_socket(), server_hostname=self.server.host
        )
        # What the server said in plain text can't be trusted (RFC 3207, 4.2).
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        certificate = secure.getpeercert() or {}
        names = [str(name[1]) for name in certificate.get("subjectAltName", ())]
        return {
            "protocol": secure.version() or "TLS",
            "names": printable(", ".join(names[:3])),
        }

    def _read_greeting(self) -> Facts:
        _expect(220, self.getreply())
        return {}

    def _say_hello(self) -> Facts:
        """Falls back to HELO for old servers."""
        self.ehlo_or_helo_if_needed()
        offers = printable(", ".join(sorted(self.esmtp_features))).upper()
        return {"offers": offers or "-"}

    def _start_tls(self) -> Facts:
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("The mail server doesn't offer STARTTLS.")
        _expect(220, self.docmd("STARTTLS"))
        return self._encrypt()

    def _log_in(self) -> Facts:
        username, password = self.server.username or "", self.server.password or ""
        self.login(username, password)
        return {}

    def _read_line(self) -> bytes:
        """Reads single bytes, so that it never reads what follows a reply, such as a TLS record."""
        line = b""
        try:
            while not line.endswith(b"\n") and len(line) < _MAX_LINE:
                byte = self._limited_socket().recv(1)
                if not byte:
                    raise smtplib.SMTPServerDisconnected("The mail server hung up.")
                line += byte
        finally:
            if line:
                self.trace.append(line)
        return line

    def _start_waiting(self) -> None:
        self._reply_deadline = time.monotonic() + smtp_socket.TIMEOUT

    def _limited_socket(self) -> socket.socket:
        """The socket, with the remaining time as its timeout. Raises TimeoutError if it is over."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        left = min(self._deadline, self._reply_deadline) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        return self.sock


def _expect(code: int, reply: tuple[int, bytes]) -> None:
    """Raises smtplib.SMTPResponseException for any other code."""
    if reply[0] != code:
        raise smtplib.SMTPResponseException(*reply)


@functools.cache
def _own_name() -> str:
    """For EHLO. Asks the resolver, which can take seconds."""
    return socket.getfqdn()
