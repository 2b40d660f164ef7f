"""How much a form may contain in any encoding. Each field may come once."""

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, TypeVar

from flask import Flask, abort, request
from htmx_flask.requests import HtmxAwareRequest
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

# Against floods. Files above 20 MB are refused by a rule that keeps what was typed.
_REQUEST_BYTES = 64 * 1024 * 1024
_TYPED_BYTES = 8 * 1024 * 1024
_ESCAPED = 3  # bytes that URL encoding makes of one byte, at most

_TAKES_LISTS = "takes_lists"  # attribute of a view

View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    app.request_class = _Request


def takes_lists(view: View) -> View:
    """Declares that a view's form may contain 50,000 addresses, typed or in a file."""
    setattr(view, _TAKES_LISTS, True)
    return view


def holds_lists(view: Callable[..., Any]) -> bool:
    return getattr(view, _TAKES_LISTS, False)


def check_form(view: Callable[..., Any]) -> None:
    """Reads the form with the limits of the view. Aborts with 413 or 400.

    Refuses repeated fields (ASVS 5.0 15.3.7).
    """
    if holds_lists(view):
        take_large_form()
    for fields in (request.args, request.form, request.files):
        if any(len(values) > 1 for _name, values in fields.lists()):
            abort(400)


def take_large_form() -> None:
    """Lets the form of this request contain a list. Call it before the form is read."""
    request.max_content_length = _REQUEST_BYTES
    request.max_form_memory_size = _TYPED_BYTES


class _LimitedParser(FormDataParser):
    """Limits fields and bytes in any encoding. Werkzeug does so only for multipart."""

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
    form_data_parser_class = _LimitedParser
