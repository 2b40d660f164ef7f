"""The responses of views: a page or fragment, a redirect, or the refusal of a rule."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import (
    Flask,
    Response,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from markupsafe import Markup
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as AnyResponse

from invites.core.errors import Reason, RuleError
from invites.web.error_links import sentence_with_link
from invites.web.error_status import status_of
from invites.web.htmx import is_htmx, wants_fragment

T = TypeVar("T")

_RETRY_AFTER = "5"  # seconds; enough for most when many people log in at once


def init_app(app: Flask) -> None:
    app.after_request(_say_when_to_retry)


def show(page: str, *, fragment: str = "", status: int = 200, **context: Any) -> Response:
    template = fragment if fragment and wants_fragment() else page
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response


def wants_json() -> bool:
    """For the script that talks to the browser's passkey API."""
    return request.accept_mimetypes.best == "application/json"


def json_error(message: object, status: int) -> Response:
    response = jsonify(error=str(message))
    response.status_code = status
    return response


def go(url: str) -> AnyResponse:
    """Redirects with a GET: status 303, or the header that htmx follows."""
    if not is_htmx():
        return redirect(url, code=303)
    response = make_response("", 200)
    response.headers["HX-Redirect"] = iri_to_uri(url)
    return response


def tell(message: Any, kind: str = "done", *, undo: str = "") -> None:
    """Shows a message at the top of the next page. ``kind``: ``done`` or ``problem``.

    ``undo``: the URL of a view that undoes the action.
    """
    flash(message if isinstance(message, Markup) else str(message), kind)
    if undo:
        flash(undo, "undo")


def run_rule(
    rule: Callable[[], T],
    show_result: Callable[[int], AnyResponse],
    *,
    told: Callable[[T], str],
    go_to: str,
    has_fragment: bool = True,
    undo: str = "",
) -> AnyResponse:
    """Runs a rule that changes something, and responds as ``answer_done`` does.

    If the rule refuses, ``show_result`` gets the status and renders the page or fragment with the
    reason. Raises RuleError(NOT_ALLOWED, NOT_FOUND) for the error page.
    """
    try:
        result = rule()
    except RuleError as refused:
        return _answer_refusal(refused, show_result, has_fragment=has_fragment)
    return answer_done(told(result), show_result, go_to=go_to, has_fragment=has_fragment, undo=undo)


def check_rule(
    rule: Callable[[], object], show_result: Callable[[int], AnyResponse]
) -> AnyResponse:
    """Runs a rule that changes nothing. If it refuses, the page or fragment shows the reason."""
    try:
        rule()
    except RuleError as refused:
        return _answer_refusal(refused, show_result, has_fragment=True)
    return show_result(200)


def answer_done(
    message: str,
    show_result: Callable[[int], AnyResponse],
    *,
    go_to: str,
    has_fragment: bool = True,
    undo: str = "",
) -> AnyResponse:
    """Redirects to ``go_to`` with the message or, for htmx, shows the fragment with it."""
    in_place = has_fragment and wants_fragment()
    _tell(message, "done", in_place=in_place, undo=undo)
    return show_result(200) if in_place else go(go_to)


def _answer_refusal(
    refused: RuleError, show_result: Callable[[int], AnyResponse], *, has_fragment: bool
) -> AnyResponse:
    if refused.reason in (Reason.NOT_ALLOWED, Reason.NOT_FOUND):
        raise refused
    _tell(sentence_with_link(refused), "problem", in_place=has_fragment and wants_fragment())
    return show_result(status_of(refused.reason))


def notice_context() -> dict[str, str]:
    """The message in this response's fragment: ``told``, optionally ``undo``, or ``problem``."""
    found: dict[str, str] = g.get("notice", {})
    names = {"told": "done", "undo": "undo", "problem": "problem"}
    return {name: found.get(kind, "") for name, kind in names.items()}


def _tell(message: str, kind: str, *, in_place: bool, undo: str = "") -> None:
    if in_place:
        g.notice = {kind: message, "undo": undo}
    else:
        tell(message, kind, undo=undo)


def _say_when_to_retry(response: Response) -> Response:
    if response.status_code == 503:
        response.headers["Retry-After"] = str(g.get("retry_after", _RETRY_AFTER))
    return response
