"""A connected socket that never blocks, so one thread can serve all connections."""

import socket
import ssl
import time
from collections import deque

from invites.sending.smtp_replies import printable

TIMEOUT = 50.0  # seconds for a whole reply

# TLS may have to send before it can receive, and vice versa.
_CANT_SEND = (BlockingIOError, ssl.SSLWantWriteError)
_CANT_RECEIVE = (BlockingIOError, ssl.SSLWantReadError)
_CHUNK = 65_536  # bytes
_MAX_LINE = 8_192  # bytes of a reply; RFC 5321, 4.5.3.1.5 allows 512
_MAX_LINES = 1_000  # of one reply
_MAX_REPLIES = 1_000  # that weren't read yet; at most four commands wait for one

Reply = tuple[int, bytes]


class SmtpSocket:
    """``replies``: received but not read yet. ``broken``: why no more can come, or "".

    ``waits_to_send``: whether ``transfer`` can continue as soon as the socket is writable.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._is_tls = isinstance(sock, ssl.SSLSocket)
        self.replies: deque[Reply] = deque()
        self.broken = ""
        self.waits_to_send = False
        self._unsent = b""
        self._incomplete = b""
        self._lines: list[bytes] = []
        self._deadline = float("inf")

    @property
    def has_input(self) -> bool:
        """Whether a reply or the end of the connection was received."""
        return bool(self.replies or self.broken)

    def send(self, content: bytes) -> None:
        """Sends now or in the next calls of ``transfer``."""
        self._unsent += content
        self._send_unsent()

    def transfer(self) -> None:
        """Receives and sends as much as possible without waiting."""
        self.waits_to_send = False
        self.receive()
        self._send_unsent()

    def receive(self) -> None:
        """Receives as much as possible without waiting."""
        try:
            while not self.broken:
                content = self.sock.recv(_CHUNK)
                self._parse(content)
                if len(content) < _CHUNK and not self._is_tls:
                    return  # that was all; TLS returns one record at a time
        except _CANT_RECEIVE:
            return
        except ssl.SSLWantWriteError:
            self.waits_to_send = True
        except OSError as error:
            self.broken = printable(error.strerror or str(error))

    def expect_reply(self, seconds: float) -> None:
        """Sets the deadline for the next reply, in seconds from now."""
        self._deadline = time.monotonic() + seconds

    def shorten_deadline(self, deadline: float) -> None:
        """``deadline``: on ``time.monotonic()``."""
        self._deadline = min(self._deadline, deadline)

    def end_if_overdue(self) -> bool:
        """Marks the connection as broken if the reply is late. Returns whether it was."""
        if time.monotonic() < self._deadline:
            return False
        self.broken = self.broken or "The mail server did not answer in time."
        return True

    def close(self) -> None:
        self.sock.close()

    def _send_unsent(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except _CANT_SEND:
            self.waits_to_send = True
        except ssl.SSLWantReadError:
            return
        except OSError:
            self._unsent = b""  # ``receive`` finds the end, after a last reply that may say why

    def _parse(self, content: bytes) -> None:
        if not content:
            self.broken = "The mail server hung up."
            return
        *lines, self._incomplete = (self._incomplete + content).split(b"\n")
        for line in lines:
            if not self.broken:
                self._parse_line(line)
        if len(self._incomplete) > _MAX_LINE or len(self._lines) > _MAX_LINES:
            self.broken = "The mail server's reply does not end."
        if len(self.replies) > _MAX_REPLIES:
            self.broken = "The mail server's replies do not end."

    def _parse_line(self, line: bytes) -> None:
        """A line is a code, a hyphen if more lines follow, and text (RFC 5321, 4.2.1)."""
        code = line[:3]
        if not code.isdigit():
            self.broken = printable(line) or "The mail server sent an empty line."
            return
        self._lines.append(line[4:].strip())
        if line[3:4] != b"-":
            self.replies.append((int(code), b"\n".join(self._lines)))
            self._lines = []
