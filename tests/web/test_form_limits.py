"""How large a form may be, and what reading it costs."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from itertools import chain, repeat
from socket import socketpair

import pytest
from flask import Flask, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from invites.web import form_limits
from invites.web.form_limits import FORM, LIST, BodyLimit, read_form

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
NAMED = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
END = b"--b--\r\n"


class Endless:
    """A body without a Content-Length, which is made while it is read."""

    def __init__(self, *parts: Iterator[bytes] | list[bytes]) -> None:
        self._parts = chain.from_iterable(parts)
        self._rest = b""
        self.bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "reads everything at once"
        while len(self._rest) < size and (more := next(self._parts, b"")):
            self._rest += more
        given, self._rest = self._rest[:size], self._rest[size:]
        self.bytes_read += len(given)
        return given


def send(
    app: Flask, limit: BodyLimit, body: object, kind: str, **environ: object
) -> dict[str, object]:
    """The fields and files that a view gets from a request with this body."""
    environ |= {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": kind}
    with app.test_request_context("/login", method="POST", environ_overrides=environ):
        read_form(limit)
        return {**request.form, **{name: file.read() for name, file in request.files.items()}}


def field(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    return NAMED % (name, more, content)


FILE = b'; filename="people.csv"'


def test_a_list_of_fifty_thousand_people_is_taken_typed_and_in_a_file(app: Flask) -> None:
    people = "".join(f'"Zo\u00eb {n}" <person{n}@example.org>\n' for n in range(50_000)).encode()
    body = field(b"email", people) + field(b"csv_file", people * 5, FILE) + END
    got = send(app, LIST, BytesIO(body), MULTIPART)
    assert got == {"email": people.decode(), "csv_file": people * 5}


@pytest.mark.parametrize("size", [1, 100, 65_530, 65_536, 65_540, 200_000])
@pytest.mark.parametrize("content", [b"x", b"\r", b"\n", b"\r\n", b"-", b"\r\n--", b"\r\n--bb"])
def test_any_content_is_read_exactly(app: Flask, content: bytes, size: int) -> None:
    content = content * (size // len(content))
    body = field(b"email", content) + field(b"csv_file", content, FILE) + END
    got = send(app, LIST, BytesIO(body), MULTIPART)
    assert got == {"email": content.decode(), "csv_file": content}


def test_text_that_is_not_utf_8_is_marked(app: Flask) -> None:
    assert send(app, FORM, BytesIO(field(b"name", b"Zo\xeb") + END), MULTIPART) == {
        "name": "Zo\ufffd"
    }


def test_text_that_takes_several_times_its_size_in_memory_is_limited_too(app: Flask) -> None:
    people = "Zo\u00eb \U0001f600 <zoe@example.org>\n"
    assert send(app, LIST, BytesIO(field(b"a", (people * 50_000).encode()) + END), MULTIPART)
    wide = b"x" * (LIST.text - 100) + "\U0001f600".encode()
    for text in (wide, b"<" * (LIST.text - 100)):
        with pytest.raises(RequestEntityTooLarge):
            send(app, LIST, BytesIO(field(b"a", text) + END), MULTIPART)


BODIES = {
    "escapes": (URLENCODED, lambda: Endless([b"email="], repeat(b"%3C" * 1000))),
    "urlencoded fields": (URLENCODED, lambda: Endless(repeat(b"a=&" * 1000))),
    "a typed text": (
        MULTIPART, lambda: Endless([NAMED[:-2] % (b"a", b"", b"")], repeat(b"x" * 999)),
    ),
    "fields": (MULTIPART, lambda: Endless(repeat(field(b"a", b"x")))),
    "field names": (MULTIPART, lambda: Endless(repeat(field(b"n" * 60_000, b"x")))),
    "files": (MULTIPART, lambda: Endless(repeat(field(b"a", b"x" * 60_000, FILE)))),
    "file names": (
        MULTIPART, lambda: Endless(repeat(field(b"a", b"x", FILE[:-1] + b"n" * 60_000 + b'"'))),
    ),
    "headers": (MULTIPART, lambda: Endless([b"--b\r\n"], repeat(b"a:b\r\n" * 1000))),
    "one header": (MULTIPART, lambda: Endless([b"--b\r\nA: "], repeat(b"a" * 1000))),
    "folded header": (MULTIPART, lambda: Endless([b"--b\r\nA: "], repeat(b"\r\n " * 1000))),
    "before the parts": (MULTIPART, lambda: Endless(repeat(b"\r\n--" * 1000))),
    "after the parts": (MULTIPART, lambda: Endless([END], repeat(b"x" * 1000))),
    "spaces after a boundary": (
        MULTIPART, lambda: Endless([field(b"a", b"x"), b"--b"], repeat(b" " * 1000)),
    ),
    "nearly boundaries": (
        MULTIPART, lambda: Endless([NAMED[:-2] % (b"a", b"", b"")], repeat(b"\r\n--bx" * 1000)),
    ),
    "parts in a part": (
        MULTIPART,
        lambda: Endless(repeat(field(b"a", field(b"b", b"x").replace(b"--b", b"--c") * 9))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("limit", [FORM, LIST], ids=["form", "list"])
@pytest.mark.parametrize("kind", BODIES)
def test_a_body_without_an_end_is_given_up_early_and_cheaply(
    app: Flask, kind: str, limit: BodyLimit
) -> None:
    content_type, make = BODIES[kind]
    body = make()
    tracemalloc.start()
    started = time.thread_time()
    with pytest.raises(RequestEntityTooLarge):
        send(app, limit, body, content_type)
    seconds, peak = time.thread_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert body.bytes_read <= 2 * limit.text + 64 * 1024
    assert peak < 4 * 1024 * 1024 + 2 * limit.text
    assert seconds < 10  # tracemalloc makes it several times as slow


def test_a_file_without_an_end_is_given_up_at_the_limit_and_kept_on_disk(app: Flask) -> None:
    body = Endless([NAMED[:-2] % (b"csv_file", FILE, b"")], repeat(b"x" * 64 * 1024))
    tracemalloc.start()
    with pytest.raises(RequestEntityTooLarge):
        send(app, LIST, body, MULTIPART)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert body.bytes_read <= LIST.request
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", field(b"a", b"x") + END),
        ("multipart/form-data; boundary=", field(b"a", b"x") + END),
        ("multipart/form-data; boundary=\u00e4", field(b"a", b"x") + END),
        (MULTIPART, field(b"a", b"x")),
        (MULTIPART, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END),
        (MULTIPART, b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END),
        (MULTIPART, b"--b\r\n\xff\xfe: a\r\n\r\nx\r\n" + END),
        (MULTIPART, b""),
        (URLENCODED, b"name=\xff"),
        ("application/json", b'{"name": "x"}'),
        ("text/plain", b"name=x"),
        ("", b"name=x"),
    ],
)
def test_a_malformed_form_is_empty(app: Flask, kind: str, body: bytes) -> None:
    assert send(app, FORM, BytesIO(body), kind) == {}


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "", "application/x-url-encoded"]
)
def test_what_is_no_form_is_never_read(app: Flask, kind: str) -> None:
    body = Endless(repeat(b"[" * 1000))
    assert send(app, LIST, body, kind) == {}
    assert body.bytes_read == 0


def test_a_form_whose_end_is_missing_is_refused(app: Flask) -> None:
    with pytest.raises(ClientDisconnected):
        send(app, FORM, BytesIO(b"name=Zoe"), URLENCODED, CONTENT_LENGTH="9")


@pytest.mark.parametrize("kind", [URLENCODED, MULTIPART])
def test_a_form_that_does_not_arrive_in_time_is_given_up(
    app: Flask, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_limits, "_MAX_SECONDS", 0.3)
    ours, theirs = socketpair()
    with ours, theirs, ours.makefile("rb") as body, suppress(ClientDisconnected):
        theirs.sendall(b"name=Zoe")
        environ = {"CONTENT_LENGTH": "9", "gunicorn.socket": ours}
        assert send(app, FORM, body, kind, **environ) == {}
