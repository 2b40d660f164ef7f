"""How large the body of a request may be, and how the form in it is read.

No body is read unless the view declared its size (see ``allow`` in access.py). Reading takes a few
hundred kilobytes of memory in addition to the text of the fields.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from socket import SHUT_RD
from sys import getsizeof
from threading import Timer
from typing import IO, Any

from flask import Flask, abort, g, request
from htmx_flask.requests import HtmxAwareRequest
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser, default_stream_factory
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

_KILOBYTE, _MEGABYTE = 1024, 1024 * 1024
_CHUNK = 64 * _KILOBYTE  # read at once
_HEADERS = 8 * _KILOBYTE  # for the headers of one part
_FIELDS = 1_000
_FILES = 1
_EXPANSION = 3  # bytes of memory per byte of text, at most
_MAX_SECONDS = 60.0  # for a form to arrive; a buffering proxy sends it at once


@dataclass(frozen=True)
class BodyLimit:
    """Bytes. ``request``: the whole body. ``text``: all fields except files."""

    request: int
    text: int


FORM = BodyLimit(64 * _KILOBYTE, 64 * _KILOBYTE)
# For 50,000 addresses, typed or in a file. Only for multipart forms. Larger than the file limit of
# 20 MB, so that a page that refuses a larger file can keep what was typed.
LIST = BodyLimit(32 * _MEGABYTE, 4 * _MEGABYTE)


def init_app(app: Flask) -> None:
    app.request_class = _Request
    app.config["MAX_CONTENT_LENGTH"] = 0  # until ``read_form`` sets the limit of the view


def read_form(limit: BodyLimit) -> None:
    """Aborts with 413, or with 400 for a repeated field (ASVS 5.0 15.3.7) or a slow sender."""
    request.max_content_length = limit.request
    request.max_form_memory_size = limit.text
    with _time_limit():
        for fields in (request.form, request.files):
            _refuse_repeated(fields)


@contextmanager
def _time_limit() -> Iterator[None]:
    """Stops reading after a minute, even if bytes keep arriving.

    Sets ``g.seconds_receiving``.
    """
    started = time.monotonic()
    timer = Timer(_MAX_SECONDS, _stop_reading, [request.environ.get("gunicorn.socket")])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        g.seconds_receiving = time.monotonic() - started


def _stop_reading(connection: Any) -> None:
    with suppress(OSError):  # it was closed
        connection.shutdown(SHUT_RD)


def check_query() -> None:
    _refuse_repeated(request.args)


def _refuse_repeated(fields: Any) -> None:
    if any(len(values) > 1 for _name, values in fields.lists()):
        abort(400)


class _Parser(FormDataParser):
    """Limits the fields and bytes of a form while it is read."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        """Returns no fields for a malformed form.

        Raises RequestEntityTooLarge, and ClientDisconnected if the end is missing.
        """
        if mimetype == "application/x-www-form-urlencoded":
            raw = _read_urlencoded(stream)
            if len(raw) < (content_length or 0):  # a truncated form must not be processed
                raise ClientDisconnected
            stream = BytesIO(raw)
        elif mimetype == "multipart/form-data":
            try:
                return stream, *self._parse_parts(stream, options or {})
            except ValueError:
                return stream, self.cls(), self.cls()
        return super().parse(stream, mimetype, content_length, options)

    def _parse_parts(self, stream: IO[bytes], options: dict[str, str]) -> tuple[Any, Any]:
        assert self.max_form_memory_size is not None
        boundary = options.get("boundary", "").encode("ascii")
        fields, files = [], []
        for part, content in _read_parts(stream, boundary, self.max_form_memory_size):
            if isinstance(part, File):
                files.append((part.name, FileStorage(content, part.filename, part.name)))
            else:
                fields.append((part.name, content.read().decode("utf-8", "replace")))
        if sum(_memory(text) for _name, text in fields) > _EXPANSION * self.max_form_memory_size:
            raise RequestEntityTooLarge
        return self.cls(fields), self.cls(files)


def _memory(text: str) -> float:
    """Bytes of memory for a page with this text. One emoji makes every character take four."""
    escaped = 4 * sum(map(text.count, "<>&\"'"))
    return getsizeof(text) * (1 + escaped / max(len(text), 1))


def _read_urlencoded(stream: IO[bytes]) -> bytes:
    """Refuses large forms and many fields: decoding could take a hundred times their size."""
    raw = stream.read(FORM.text)
    if len(raw) == FORM.text or raw.count(b"&") >= _FIELDS:
        raise RequestEntityTooLarge
    return raw


def _read_parts(
    stream: IO[bytes], boundary: bytes, text_left: int
) -> Iterator[tuple[Field | File, IO[bytes]]]:
    """Raises ValueError if the form is malformed."""
    part: Field | File
    content: IO[bytes]
    files = 0
    with ExitStack() as unless_complete:
        for event in _events(stream, boundary):
            if isinstance(event, Field | File):
                part, content = event, BytesIO()
                if isinstance(part, File):
                    content = default_stream_factory(None, None, None)  # on disk above 500 kB
                    unless_complete.callback(content.close)
                    files += 1
                if part.name is None:
                    raise ValueError("a field without a name")
                text_left -= len(part.name)
            elif isinstance(event, Data):
                content.write(event.data)
                text_left -= len(event.data) * isinstance(part, Field)
                if not event.more_data:
                    content.seek(0)
                    yield part, content
            if text_left < 0 or files > _FILES:
                raise RequestEntityTooLarge
        unless_complete.pop_all()


def _events(stream: IO[bytes], boundary: bytes) -> Iterator[Event]:
    """Yields contents in chunks, so the size of the buffer limits the headers of a part."""
    if not boundary:
        raise ValueError("no boundary")
    decoder = MultipartDecoder(boundary, max_form_memory_size=_CHUNK + _HEADERS, max_parts=_FIELDS)
    for chunk in chain(iter(lambda: stream.read(_CHUNK), b""), [None]):
        decoder.receive_data(chunk)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            yield event


class _Request(HtmxAwareRequest):  # type: ignore[misc]  # htmx_flask has no types
    form_data_parser_class = _Parser
