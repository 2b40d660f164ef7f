"""Page or fragment, and where to go after a change: the only way views answer."""

from typing import Any

from flask import Response, flash, make_response, redirect, render_template
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as AnyResponse

from invites.web.htmx import is_htmx, wants_fragment


def show(page: str, *, fragment: str | None = None, status: int = 200, **context: Any) -> Response:
    """Render ``page``, or only its ``fragment`` when htmx asks for that."""
    template = fragment if fragment and wants_fragment() else page
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response


def go(url: str) -> AnyResponse:
    """Lead the browser on to ``url`` with a GET: 303, or htmx's way of saying so."""
    if not is_htmx():
        return redirect(url, code=303)
    response = make_response("", 200)
    response.headers["HX-Redirect"] = iri_to_uri(url)
    return response


def tell(message: Any, kind: str = "done") -> None:
    """A sentence for the top of the next page; ``kind`` is ``done`` or ``problem``."""
    flash(str(message), kind)
