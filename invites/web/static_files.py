"""Static files at URLs that change with the files, so that browsers can keep them.

The version is a folder in the URL, not a query: JavaScript modules import each other with relative
URLs, which then stay within one version.
"""

import hashlib
from datetime import timedelta
from functools import cache
from typing import Any

from flask import Flask, Response, current_app, send_from_directory

from invites.core.settings import PROJECT_ROOT
from invites.web.access import Who, allow

_FOLDER = PROJECT_ROOT / "static"
_YEAR = int(timedelta(days=365).total_seconds())


def init_app(app: Flask) -> None:
    """Adds the endpoint ``static``; ``url_for`` fills in the version."""
    app.add_url_rule("/static/<version>/<path:filename>", "static", _serve)
    app.url_defaults(_add_version)


@allow(Who.ANYBODY)
def _serve(version: str, filename: str) -> Response:
    # While an update is under way, pages of another version ask here too. They get the
    # file, but must not keep it under their version's address.
    is_lasting = version == _version() and not current_app.debug
    return send_from_directory(_FOLDER, filename, max_age=_YEAR if is_lasting else 0)


def _add_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static":
        values["version"] = _version()


@cache
def _version() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in _FOLDER.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(_FOLDER)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
