"""The SMTP client: one class, with limits on what a server can do to it."""

import ast
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import invites
from invites.core.settings import MailServer
from invites.sending import smtp_socket
from invites.sending.smtp_client import SmtpClient, Stage

Connect = Callable[..., SmtpClient]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def connect(listener: socket.socket) -> Connect:
    """Makes a client for the listener."""

    def connect(*, use_tls: bool = False, **options: float) -> SmtpClient:
        port = listener.getsockname()[1]
        return SmtpClient(MailServer("127.0.0.1", port, None, None, use_tls, False), **options)

    return connect


@pytest.fixture
def serve(listener: socket.socket) -> Iterator[Callable[[bytes], list[bytes]]]:
    """Answers the first connection with ``said``, and collects what it receives until its end."""
    threads = []

    def serve(said: bytes) -> list[bytes]:
        received: list[bytes] = []

        def run() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(ConnectionError):  # it may hang up at any time
                connection.sendall(said)
                while content := connection.recv(1000):
                    received.append(content)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return received

    yield serve
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def run(client: SmtpClient) -> list[Stage]:
    """Takes all steps; returns those that succeeded."""
    done = []
    try:
        for stage, step in client.steps():
            step()
            done.append(stage)
    finally:
        client.quit_quickly()
    return done


def test_there_is_one_smtp_client_class():
    classes = [
        f"{path.stem}.{node.name}"
        for path in Path(invites.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        if any("SMTP" in ast.unparse(base) for base in node.bases)
    ]
    assert classes == ["smtp_client.SmtpClient"]


@pytest.mark.parametrize("said", [b"220-more\r\n" * 1000, b"220-" + b"x" * 100_000])
def test_an_endless_reply_is_not_read_to_its_end(connect, serve, said):
    serve(said)
    client = connect()
    with pytest.raises(OSError, match=r"does not end|xxx"):
        run(client)
    assert sum(map(len, client.trace)) < 20_000


def test_a_reply_that_trickles_in_has_one_deadline(connect, listener, monkeypatch):
    monkeypatch.setattr(smtp_socket, "TIMEOUT", 0.3)

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            for _ in range(40):
                time.sleep(0.05)
                connection.send(b"2")

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        run(connect())
    assert time.monotonic() - started < 2


def test_all_steps_together_have_a_deadline(connect, serve):
    serve(b"220 here\r\n")
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        run(connect(total_time=0.3))
    assert time.monotonic() - started < 5


def test_nothing_is_sent_to_a_server_that_cannot_prove_its_name(connect, listener, tls):
    """Not even a QUIT: the client ends the connection."""
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"220 here\r\n")
        connection.recv(1000)
        connection.sendall(b"250-here\r\n250 STARTTLS\r\n")
        connection.recv(1000)
        connection.sendall(b"220 go on\r\n")
        with pytest.raises(ssl.SSLError):
            tls.wrap_socket(connection, server_side=True)
        received.append(b"done")

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(ssl.SSLCertVerificationError):
        run(connect(use_tls=True))
    thread.join(10)
    assert received == [b"done"]


def test_replies_before_tls_do_not_count_after_it(connect, listener):
    """What is injected behind the reply to STARTTLS goes to TLS, which refuses it."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 here\r\n")
            connection.recv(1000)
            connection.sendall(b"250-here\r\n250 STARTTLS\r\n")
            connection.recv(1000)
            connection.sendall(b"220 go on\r\n250 injected\r\n")
            connection.recv(1000)

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(ssl.SSLError):
        run(connect(use_tls=True))
    thread.join(10)
