"""The socket that never blocks."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from invites.sending.smtp_socket import SmtpSocket


@pytest.fixture
def ends() -> Iterator[tuple[SmtpSocket, socket.socket]]:
    """The client's and the server's end of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SmtpSocket(ours), theirs


def test_a_reply_received_in_pieces_is_one_reply(ends):
    smtp_socket, server = ends
    for piece in (b"25", b"0-first\r", b"\n250 sec", b"ond"):
        server.sendall(piece)
        smtp_socket.receive()
        assert not smtp_socket.has_input
    server.sendall(b"\r\n")
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [(250, b"first\nsecond")]


def test_replies_received_together_are_several(ends):
    smtp_socket, server = ends
    server.sendall(b"250 taken\r\n250 sender ok\r\n550-5.1.1 No such\r\n550 person\r\n354")
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [
        (250, b"taken"),
        (250, b"sender ok"),
        (550, b"5.1.1 No such\nperson"),
    ]


def test_a_reply_before_the_end_is_received(ends):
    smtp_socket, server = ends
    server.sendall(b"421 4.3.2 Shutting down\r\n")
    server.close()
    smtp_socket.receive()
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [(421, b"4.3.2 Shutting down")]
    assert smtp_socket.broken == "The mail server hung up."


def test_a_reply_is_received_even_if_sending_fails(ends):
    smtp_socket, server = ends
    server.sendall(b"550 5.7.1 Go away\r\n")
    server.close()
    smtp_socket.send(b"RSET\r\n")
    smtp_socket.receive()
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [(550, b"5.7.1 Go away")]
    assert smtp_socket.broken
    assert not smtp_socket.waits_to_send


@pytest.mark.parametrize("rubbish", [b"rubbish\r\n", b"\r\n", b"HTTP/1.1 400 Bad\r\n", b"\xff\r\n"])
def test_an_invalid_reply_ends_the_conversation(ends, rubbish):
    smtp_socket, server = ends
    server.sendall(b"250 fine\r\n" + rubbish + b"250 too late\r\n")
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [(250, b"fine")]
    assert smtp_socket.broken


@pytest.mark.parametrize("endless", [b"250 " + b"x" * 9000, b"250-more\r\n" * 1100])
def test_an_endless_reply_ends_the_conversation(ends, endless):
    smtp_socket, server = ends
    server.sendall(endless)
    smtp_socket.receive()
    assert not smtp_socket.replies
    assert smtp_socket.broken == "The mail server's reply does not end."


def test_endless_replies_end_the_conversation(ends):
    smtp_socket, server = ends
    server.sendall(b"250 fine\r\n" * 1100)
    smtp_socket.receive()
    assert smtp_socket.broken == "The mail server's replies do not end."


def test_a_slow_server_gets_everything_in_order(ends):
    smtp_socket, server = ends
    content = b"".join(b"line %06d\r\n" % n for n in range(200_000))
    smtp_socket.send(content[: len(content) // 2])
    smtp_socket.send(content[len(content) // 2 :])
    assert smtp_socket.waits_to_send
    taken = b""
    while len(taken) < len(content):
        taken += server.recv(100_000)
        smtp_socket.transfer()
    assert taken == content
    assert not smtp_socket.waits_to_send


class Renegotiating:
    """A TLS socket that has to receive before it can send, or the other way round."""

    def __init__(self, *, sends: Exception | None = None, receives: Exception | None = None):
        self._sends, self._receives = sends, receives
        self.sent = b""

    def setblocking(self, _is_blocking: bool) -> None:
        pass

    def send(self, content: bytes) -> int:
        if self._sends:
            raise self._sends
        self._receives = None
        self.sent += content
        return len(content)

    def recv(self, _size: int) -> bytes:
        if self._receives:
            raise self._receives
        if self._sends:
            self._sends = None
            return b"250 fine\r\n"
        raise BlockingIOError


def test_tls_may_have_to_receive_before_it_can_send():
    sock = Renegotiating(sends=ssl.SSLWantReadError())
    smtp_socket = SmtpSocket(sock)
    smtp_socket.send(b"NOOP\r\n")
    assert not smtp_socket.waits_to_send
    smtp_socket.transfer()
    assert sock.sent == b"NOOP\r\n"
    assert list(smtp_socket.replies) == [(250, b"fine")]
    assert not smtp_socket.waits_to_send


def test_tls_may_have_to_send_before_it_can_receive():
    sock = Renegotiating(receives=ssl.SSLWantWriteError())
    smtp_socket = SmtpSocket(sock)
    smtp_socket.transfer()
    assert smtp_socket.waits_to_send
    sock.send(b"")
    smtp_socket.transfer()
    assert not smtp_socket.waits_to_send


def test_a_reply_is_overdue_after_its_deadline(ends):
    smtp_socket, _server = ends
    assert not smtp_socket.end_if_overdue()
    smtp_socket.expect_reply(60)
    assert not smtp_socket.end_if_overdue()
    smtp_socket.expect_reply(0)
    assert smtp_socket.end_if_overdue()
    assert smtp_socket.broken == "The mail server did not answer in time."
