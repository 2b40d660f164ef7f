"""A socket that never blocks: answers as they come in, and mails as they are taken."""

import socket
from collections.abc import Iterator

import pytest

from invites.mail.wire import Wire


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    """Our end of a connection, and the mail server's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Wire(ours), theirs


def test_an_answer_that_comes_in_pieces_is_one_answer(ends):
    wire, server = ends
    for piece in (b"25", b"0-first\r", b"\n250 sec", b"ond"):
        server.sendall(piece)
        wire.receive()
        assert not wire.has_news
    server.sendall(b"\r\n")
    wire.receive()
    assert list(wire.answers) == [(250, b"first\nsecond")]


def test_answers_that_come_together_are_several(ends):
    wire, server = ends
    server.sendall(b"250 taken\r\n250 sender ok\r\n550-5.1.1 No such\r\n550 person\r\n354")
    wire.receive()
    assert list(wire.answers) == [
        (250, b"taken"),
        (250, b"sender ok"),
        (550, b"5.1.1 No such\nperson"),
    ]


def test_what_was_said_before_hanging_up_is_heard(ends):
    wire, server = ends
    server.sendall(b"421 4.3.2 Shutting down\r\n")
    server.close()
    wire.receive()
    wire.receive()
    assert list(wire.answers) == [(421, b"4.3.2 Shutting down")]
    assert wire.broken == "The mail server hung up."


def test_what_was_said_is_heard_though_nothing_can_be_sent_any_more(ends):
    wire, server = ends
    server.sendall(b"550 5.7.1 Go away\r\n")
    server.close()
    wire.send(b"RSET\r\n")
    wire.receive()
    wire.receive()
    assert list(wire.answers) == [(550, b"5.7.1 Go away")]
    assert wire.broken
    assert not wire.is_sending


@pytest.mark.parametrize("rubbish", [b"rubbish\r\n", b"\r\n", b"HTTP/1.1 400 Bad\r\n", b"\xff\r\n"])
def test_rubbish_ends_the_conversation(ends, rubbish):
    wire, server = ends
    server.sendall(b"250 fine\r\n" + rubbish + b"250 too late\r\n")
    wire.receive()
    assert list(wire.answers) == [(250, b"fine")]
    assert wire.broken


@pytest.mark.parametrize("endless", [b"250 " + b"x" * 9000, b"250-more\r\n" * 1100])
def test_an_answer_without_end_ends_the_conversation(ends, endless):
    wire, server = ends
    server.sendall(endless)
    wire.receive()
    assert not wire.answers
    assert wire.broken == "The mail server's answer does not end."


def test_a_server_that_takes_its_time_gets_all_of_it_in_order(ends):
    wire, server = ends
    content = b"".join(b"line %06d\r\n" % n for n in range(200_000))
    wire.send(content[: len(content) // 2])
    wire.send(content[len(content) // 2 :])
    assert wire.is_sending
    taken = b""
    while len(taken) < len(content):
        taken += server.recv(100_000)
        wire.go_on_sending()
    assert taken == content
    assert not wire.is_sending


def test_an_answer_is_overdue_when_its_time_is_over_and_not_before(ends):
    wire, _server = ends
    assert not wire.end_if_overdue()
    wire.expect(60)
    assert not wire.end_if_overdue()
    wire.expect(0)
    assert wire.end_if_overdue()
    assert wire.broken == "The mail server did not answer in time."
