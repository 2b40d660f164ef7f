"""How much a form may hold, however it is encoded: Werkzeug limits only forms in parts."""

from io import BytesIO
from typing import IO, Any

from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

_ESCAPED = 3  # bytes that one takes at most in a form that is encoded like a URL


def init_app(app: Flask) -> None:
    """Read the forms of ``app`` within the limits; after what else changes its requests."""
    parser = {"form_data_parser_class": _LimitedParser}
    app.request_class = type("LimitedRequest", (app.request_class,), parser)


class _LimitedParser(FormDataParser):
    """Keeps to the number of fields in any encoding, and to the typed bytes in all of them."""

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
