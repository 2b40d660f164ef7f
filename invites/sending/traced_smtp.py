"""smtplib's conversation with a mail server, with a record of it and one deadline for all of it."""

import contextlib
import smtplib
import socket
import ssl
import time
from typing import TYPE_CHECKING

from invites.core.settings import MailServer
from invites.sending.smtp_replies import words
from invites.sending.tcp import reach

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CONNECT_TIME = 10.0  # seconds until connected, over all addresses of the server
TOTAL_TIME = 30.0  # seconds for everything: somebody waits for the page

_GOODBYE_TIME = 2.0
_LINES = 60  # of one answer; what a server says is a stranger's text
_LINE_BYTES = 4096
SHOWN = 300  # characters of a line


class TracedSMTP(smtplib.SMTP):
    """``heard``: the lines that the server said. After TOTAL_TIME whatever waits for it ends."""

    def __init__(self, server: MailServer) -> None:
        super().__init__(local_hostname=socket.getfqdn())
        self._server = server
        self._until = time.monotonic() + TOTAL_TIME
        self.heard: list[bytes] = []

    def reach(self) -> str:
        """Connect; returns the address that answered. Raises OSError."""
        self.sock = reach(self._server.host, self._server.port, CONNECT_TIME)
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
            "names": words(None, ", ".join(names[:3]))[:SHOWN],
        }

    def introduce(self) -> str:
        """Say EHLO, or HELO to an old server; returns what it offers."""
        self.ehlo_or_helo_if_needed()
        return words(None, ", ".join(sorted(self.esmtp_features)).upper())[:SHOWN] or "-"

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
