"""A socket that never blocks: answers as they come in, and mails as they are taken."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from invites.sending.smtp_socket import SmtpSocket


@pytest.fixture
def ends() -> Iterator[tuple[SmtpSocket, socket.socket]]:
    """Our end of a connection, and the mail server's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SmtpSocket(ours), theirs


def test_an_answer_that_comes_in_pieces_is_one_answer(ends):
    smtp_socket, server = ends
    for piece in (b"25", b"0-first\r", b"\n250 sec", b"ond"):
        server.sendall(piece)
        smtp_socket.receive()
        assert not smtp_socket.has_news
    server.sendall(b"\r\n")
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [(250, b"first\nsecond")]


def test_answers_that_come_together_are_several(ends):
    smtp_socket, server = ends
    server.sendall(b"250 taken\r\n250 sender ok\r\n550-5.1.1 No such\r\n550 person\r\n354")
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [
        (250, b"taken"),
        (250, b"sender ok"),
        (550, b"5.1.1 No such\nperson"),
    ]


def test_what_was_said_before_hanging_up_is_heard(ends):
    smtp_socket, server = ends
    server.sendall(b"421 4.3.2 Shutting down\r\n")
    server.close()
    smtp_socket.receive()
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [(421, b"4.3.2 Shutting down")]
    assert smtp_socket.broken == "The mail server hung up."


def test_what_was_said_is_heard_though_nothing_can_be_sent_any_more(ends):
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
def test_rubbish_ends_the_conversation(ends, rubbish):
    smtp_socket, server = ends
    server.sendall(b"250 fine\r\n" + rubbish + b"250 too late\r\n")
    smtp_socket.receive()
    assert list(smtp_socket.replies) == [(250, b"fine")]
    assert smtp_socket.broken


@pytest.mark.parametrize("endless", [b"250 " + b"x" * 9000, b"250-more\r\n" * 1100])
def test_an_answer_without_end_ends_the_conversation(ends, endless):
    smtp_socket, server = ends
    server.sendall(endless)
    smtp_socket.receive()
    assert not smtp_socket.replies
    assert smtp_socket.broken == "The mail server's reply does not end."


def test_answers_without_end_to_nothing_end_the_conversation(ends):
    smtp_socket, server = ends
    server.sendall(b"250 fine\r\n" * 1100)
    smtp_socket.receive()
    assert smtp_socket.broken == "The mail server's replies do not end."


def test_a_server_that_takes_its_time_gets_all_of_it_in_order(ends):
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
        """It never blocks."""

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


def test_tls_that_has_to_receive_before_it_sends_is_not_asked_to_send_until_then():
    sock = Renegotiating(sends=ssl.SSLWantReadError())
    smtp_socket = SmtpSocket(sock)
    smtp_socket.send(b"NOOP\r\n")
    assert not smtp_socket.waits_to_send
    smtp_socket.transfer()
    assert sock.sent == b"NOOP\r\n"
    assert list(smtp_socket.replies) == [(250, b"fine")]
    assert not smtp_socket.waits_to_send


def test_tls_that_has_to_send_before_it_receives_is_told_when_it_can():
    sock = Renegotiating(receives=ssl.SSLWantWriteError())
    smtp_socket = SmtpSocket(sock)
    smtp_socket.transfer()
    assert smtp_socket.waits_to_send
    sock.send(b"")
    smtp_socket.transfer()
    assert not smtp_socket.waits_to_send


def test_an_answer_is_overdue_when_its_time_is_over_and_not_before(ends):
    smtp_socket, _server = ends
    assert not smtp_socket.end_if_overdue()
    smtp_socket.expect_reply(60)
    assert not smtp_socket.end_if_overdue()
    smtp_socket.expect_reply(0)
    assert smtp_socket.end_if_overdue()
    assert smtp_socket.broken == "The mail server did not answer in time."
