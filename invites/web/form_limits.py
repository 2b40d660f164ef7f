"""How much a form may hold, however it is encoded, and that each field comes once."""

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, TypeVar

from flask import Flask, abort, request
from htmx_flask.requests import HtmxAwareRequest
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

# The rule of 20 MB refuses kindly and keeps what was typed; this only stops a flood.
_REQUEST_BYTES = 64 * 1024 * 1024
_TYPED_BYTES = 8 * 1024 * 1024
_ESCAPED = 3  # bytes that one takes at most in a form that is encoded like a URL

_TAKES_LISTS = "takes_lists"  # the name of a mark on a view

View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    """Read the forms of ``app`` within the limits."""
    app.request_class = _Request


def takes_lists(view: View) -> View:
    """Declare that a view's form may hold 50,000 addresses, typed or in a file."""
    setattr(view, _TAKES_LISTS, True)
    return view


def holds_lists(view: Callable[..., Any]) -> bool:
    """Whether ``view`` declared that."""
    return getattr(view, _TAKES_LISTS, False)


def check_form(view: Callable[..., Any]) -> None:
    """Read the form of this request as ``view`` takes it; aborts with 413 or 400.

    A field that comes twice is two answers to one question (ASVS 5.0 15.3.7).
    """
    if holds_lists(view):
        take_large_form()
    for fields in (request.args, request.form, request.files):
        if any(len(values) > 1 for _name, values in fields.lists()):
            abort(400)


def take_large_form() -> None:
    """Let this request's form hold a list; before anything reads it."""
    request.max_content_length = _REQUEST_BYTES
    request.max_form_memory_size = _TYPED_BYTES


class _LimitedParser(FormDataParser):
    """Limits the number of fields and the typed bytes in any encoding; Werkzeug only multipart."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        """Raises RequestEntityTooLarge."""
        most = self.max_form_memory_size
        assert most is not None
        if mimetype == "application/x-www-form-urlencoded":
            stream = self._read(stream, _ESCAPED * most)
        found = super().parse(stream, mimetype, content_length, options)
        form = found[1]
        if sum(len(name) + len(text) for name, text in form.items(multi=True)) > most:
            raise RequestEntityTooLarge
        return found

    def _read(self, stream: IO[bytes], most: int) -> IO[bytes]:
        raw = stream.read(most + 1)
        if len(raw) > most or raw.count(b"&") >= (self.max_form_parts or 0):
            raise RequestEntityTooLarge
        return BytesIO(raw)


class _Request(HtmxAwareRequest):  # type: ignore[misc]  # it has no types
    """A request with the headers of htmx, whose form is read within the limits."""

    form_data_parser_class = _LimitedParser
