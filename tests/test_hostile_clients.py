"""Requests that no browser sends, to a real server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, running, set_up_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data: Path = set_up_data(tmp_path_factory.mktemp("server") / "data")
    with running(data) as server:
        yield server


def status(server: Server, *headers: str) -> str:
    """Of the login page, asked for with these headers."""
    host, port = server.url.removeprefix("http://").split(":")
    request = "\r\n".join(["GET /login HTTP/1.1", f"Host: {host}", "Connection: close", *headers])
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{request}\r\n\r\n".encode())
        return connection.recv(100)[9:12].decode()


@pytest.mark.parametrize("name", ["Accept", "Accept-Encoding", "Cookie", "User-Agent", "Made-Up"])
def test_large_headers_are_refused_before_they_are_read(server: Server, name: str) -> None:
    lines = [f"{name}: {'a=b,' * 2_000}"] * 80
    assert status(server, *lines) == "431"
    assert status(server, *lines[:3]) == "200"
