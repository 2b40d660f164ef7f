"""A mail server on plain sockets that misbehaves at any step, as a test defines."""

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import BinaryIO

HANG_UP = b"hang up"
SILENCE = b"silence"
TRICKLE = b"trickle"

REPLIES = {
    "greeting": b"220 scripted",
    "mail": b"250 sender ok",
    "rcpt": b"250 recipient ok",
    "data": b"354 go on",
    "body": b"250 2.0.0 taken",
    "rset": b"250 fine",
    "quit": b"221 bye",
}


@dataclass(frozen=True)
class Step:
    """What the server is about to reply to."""

    stage: str
    recipient: str
    connection: int
    taken: int
    """How many emails this connection has accepted so far."""


def usual(_step: Step) -> bytes | None:
    """The usual reply at every step."""
    return None


@dataclass
class ScriptedServer:
    """``answer``: returns the reply to a step, or None for the usual one.

    Accepting an email takes ``delay`` seconds, and waits while ``gate`` is cleared. ``held``: how
    many are waiting now. ``received``: recipient and Message-ID of each.
    """

    answer: Callable[[Step], bytes | None] = usual
    pipelining: bool = True
    delay: float = 0.0
    gate: threading.Event = field(default_factory=threading.Event)
    received: list[tuple[str, str]] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    open_now: int = 0
    held: int = 0
    port: int = 0
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def recipients(self) -> list[str]:
        """In the order of delivery."""
        return [recipient for recipient, _ in self.received]

    @contextmanager
    def listening(self) -> Iterator["ScriptedServer"]:
        """Listens during the block."""
        self.gate.set()
        with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
            self.port = listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            try:
                yield self
            finally:
                self.gate.set()
                self.closing.set()
                listener.shutdown(socket.SHUT_RDWR)

    def hang_up(self) -> None:
        """Closes all open connections at once."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # Otherwise Nagle's algorithm may delay a reply by 40 ms to join it with the next.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            arguments = (connection, self.connections)
            threading.Thread(target=self._serve, args=arguments, daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        self._open.append(connection)
        with connection, self._counting("open_now"), contextlib.suppress(OSError):
            self._converse(connection, number)

    @contextmanager
    def _counting(self, name: str) -> Iterator[None]:
        """Adds 1 during the block."""
        self._add(name, 1)
        try:
            yield
        finally:
            self._add(name, -1)

    def _add(self, name: str, change: int) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + change)

    def _converse(self, connection: socket.socket, number: int) -> None:
        reader = connection.makefile("rb")
        talk = _Talk(self, connection, number)
        if not talk.say("greeting"):
            return
        while line := reader.readline():
            stage = line[:4].decode().lower()
            if stage in ("ehlo", "helo"):
                offers = b"250-PIPELINING\r\n" if self.pipelining else b""
                connection.sendall(b"250-scripted\r\n" + offers + b"250 8BITMIME\r\n")
                continue
            if found := re.match(rb"RCPT TO:<(.*)>", line):
                talk.recipient = found[1].decode()
            if not talk.say(stage) or stage == "quit":
                return
            if stage == "data" and talk.said.startswith(b"354"):
                self._keep(_content(reader), talk.recipient)
                if not talk.say("body"):
                    return
                talk.taken += 1

    def _keep(self, content: bytes, recipient: str) -> None:
        if content:
            time.sleep(self.delay)
            with self._counting("held"):
                self.gate.wait()
            self.received.append((recipient, message_from_bytes(content)["Message-ID"]))


def _content(reader: BinaryIO) -> bytes:
    """An email up to its final dot. Raises ConnectionError if the connection ends before that."""
    lines = []
    for line in reader:
        if line == b".\r\n":
            return b"".join(lines)
        lines.append(line)
    raise ConnectionError("hung up in the middle of a mail")


class _Talk:
    """The state of one connection on which replies depend."""

    def __init__(self, server: ScriptedServer, connection: socket.socket, number: int) -> None:
        self._server = server
        self._connection = connection
        self._number = number
        self._is_welcome = False
        self.recipient = ""
        self.taken = 0
        self.said = b""

    def say(self, stage: str) -> bool:
        """Sends the reply. Returns False if the connection is closed."""
        self._server.stages[stage] += 1
        step = Step(stage, self.recipient, self._number, self.taken)
        self.said = self._server.answer(step) or self._usual(stage)
        if stage == "rcpt":
            self._is_welcome = self.said.startswith(b"2")
        if self.said.endswith(HANG_UP):
            # Sends reply and end in one packet, so the client can't send anything in between.
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            self._connection.sendall(self.said.removesuffix(HANG_UP))
            self._connection.shutdown(socket.SHUT_RDWR)
            return False
        if self.said in (SILENCE, TRICKLE):
            while not self._server.closing.wait(0.05):
                self._connection.sendall(b"2" if self.said == TRICKLE else b"")
            return False
        self._connection.sendall(self.said + b"\r\n")
        return not self.said.startswith(b"421")

    def _usual(self, stage: str) -> bytes:
        if stage == "data" and not self._is_welcome:
            return b"503 5.5.1 No valid recipients"
        return REPLIES[stage]


def at(stage: str, reply: bytes, *, of: str = "", connection: int = 0, after: int = -1):
    """A reply at one stage: to one recipient, on one connection, after this many emails."""

    def answer(step: Step) -> bytes | None:
        fits = (
            step.stage == stage
            and of in ("", step.recipient)
            and connection in (0, step.connection)
            and after in (-1, step.taken)
        )
        return reply if fits else None

    return answer
