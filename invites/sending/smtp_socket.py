"""A connected socket that never blocks: bytes out as the server takes them, whole answers in.

So one thread serves every connection, each of which waits as long as its server likes.
"""

import socket
import ssl
import time
from collections import deque

from invites.sending.smtp_replies import words

TIMEOUT = 50.0  # seconds for an answer, and for its last byte

# TLS may have to send before it can receive, and the other way round.
_WHEN_IT_SENDS = (BlockingIOError, ssl.SSLWantWriteError)
_WHEN_IT_RECEIVES = (BlockingIOError, ssl.SSLWantReadError)
_CHUNK = 65_536  # bytes
_LONGEST_LINE = 8_192  # bytes of an answer; RFC 5321, 4.5.3.1.5 allows 512
_MOST_LINES = 1_000  # of one answer
_MOST_ANSWERS = 1_000  # that nobody looked at yet; four commands at most are unanswered

Reply = tuple[int, bytes]


class SmtpSocket:
    """One connection. ``answers`` came and weren't looked at; ``broken`` says why no more come.

    ``waits_to_send``: whether ``transfer`` gets on as soon as the socket takes bytes.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._is_tls = isinstance(sock, ssl.SSLSocket)
        self.answers: deque[Reply] = deque()
        self.broken = ""
        self.waits_to_send = False
        self._unsent = b""
        self._unread = b""
        self._lines: list[bytes] = []
        self._until = float("inf")

    @property
    def has_news(self) -> bool:
        """Whether there is an answer to look at, or none comes any more."""
        return bool(self.answers or self.broken)

    def send(self, content: bytes) -> None:
        """Send ``content``, now or as soon as the server takes it."""
        self._unsent += content
        self._send_on()

    def transfer(self) -> None:
        """Take in what came, and send what the server takes just now."""
        self.waits_to_send = False
        self.receive()
        self._send_on()

    def receive(self) -> None:
        """Take in what came."""
        try:
            while not self.broken:
                content = self.sock.recv(_CHUNK)
                self._take(content)
                if len(content) < _CHUNK and not self._is_tls:
                    return  # that was all; TLS hands out a record at a time
        except _WHEN_IT_RECEIVES:
            return
        except ssl.SSLWantWriteError:
            self.waits_to_send = True
        except OSError as error:
            self.broken = words(None, error.strerror or str(error))

    def expect(self, seconds: float) -> None:
        """Give the server so long for its next answer."""
        self._until = time.monotonic() + seconds

    def hurry(self, by: float) -> None:
        """Give the server no longer than until ``by``, a moment of ``time.monotonic()``."""
        self._until = min(self._until, by)

    def end_if_overdue(self) -> bool:
        """Whether the answer takes too long; then no more come."""
        if time.monotonic() < self._until:
            return False
        self.broken = self.broken or "The mail server did not answer in time."
        return True

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    def _send_on(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except _WHEN_IT_SENDS:
            self.waits_to_send = True
        except ssl.SSLWantReadError:
            return
        except OSError:
            self._unsent = b""  # what was received before may say why; reading finds the end

    def _take(self, content: bytes) -> None:
        if not content:
            self.broken = "The mail server hung up."
            return
        *lines, self._unread = (self._unread + content).split(b"\n")
        for line in lines:
            if not self.broken:
                self._read(line)
        if len(self._unread) > _LONGEST_LINE or len(self._lines) > _MOST_LINES:
            self.broken = "The mail server's answer does not end."
        if len(self.answers) > _MOST_ANSWERS:
            self.broken = "The mail server's answers do not end."

    def _read(self, line: bytes) -> None:
        """One line of an answer: its code, a hyphen if more lines follow, a text (4.2.1)."""
        code = line[:3]
        if not code.isdigit():
            self.broken = words(None, line) or "The mail server said nothing."
            return
        self._lines.append(line[4:].strip())
        if line[3:4] != b"-":
            self.answers.append((int(code), b"\n".join(self._lines)))
            self._lines = []
