"""Static files at URLs that change with the files, so that browsers can cache them.

The version is a folder in the URL, not a query: JavaScript modules import each other with relative
URLs, which then stay within one version. htmx comes from its package and has the same kind of URL.

Compresses only files. Pages contain tokens beside text that people typed, so compression would leak
them (BREACH).
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import js_lib_htmx
from flask import Flask, Response, abort, request

from invites.core.bundled import bundled
from invites.web.access import Who, allow

_FOLDER = bundled("static")
_HTMX = Path(js_lib_htmx.__file__).parent / "static" / "htmx" / "htmx.min.js"
_YEAR = int(timedelta(days=365).total_seconds())


@dataclass(frozen=True)
class _File:
    content: bytes
    compressed: bytes | None  # gzip; None if that saves little, as with images and fonts
    digest: str
    mimetype: str


def init_app(app: Flask) -> None:
    """Adds the endpoint ``static``; ``url_for`` fills in the version."""
    app.add_url_rule("/static/<version>/<path:filename>", "static", _serve)
    app.url_defaults(_add_version)


@allow(Who.ANYBODY)
def _serve(version: str, filename: str) -> Response:
    file = _files().get(filename)
    if file is None:
        abort(404)
    response = Response(file.content, mimetype=file.mimetype)
    response.set_etag(file.digest)
    if file.compressed is not None:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"]:
            response.data = file.compressed
            response.content_encoding = "gzip"
            response.set_etag(f"{file.digest}-gzip")
    # During an update, pages of another version may request files here. They get this version's
    # file, but must not cache it at the other version's URL.
    is_lasting = version == _version()
    response.headers["Cache-Control"] = f"public, max-age={_YEAR}" if is_lasting else "no-cache"
    response.make_conditional(request)
    return response


def _add_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static":
        values["version"] = _version()


@cache
def _version() -> str:
    """Changes with any file's content or name."""
    known = "".join(f"{name}\0{file.digest}\0" for name, file in _files().items())
    return hashlib.sha256(known.encode()).hexdigest()[:12]


@cache
def _files() -> dict[str, _File]:
    """All files, a few hundred kilobytes, stay in memory. Restart after a change."""
    return {name: _load(path) for name, path in _paths()}


def _paths() -> Iterator[tuple[str, Path]]:
    yield _HTMX.name, _HTMX
    for path in sorted(path for path in _FOLDER.rglob("*") if path.is_file()):
        yield path.relative_to(_FOLDER).as_posix(), path


def _load(path: Path) -> _File:
    content = path.read_bytes()
    compressed = gzip.compress(content, mtime=0)
    saves = len(compressed) < 0.9 * len(content)
    digest = hashlib.sha256(content).hexdigest()[:16]
    mimetype = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(content, compressed if saves else None, digest, mimetype)
