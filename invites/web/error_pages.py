"""Errors as pages or fragments that say what to do next."""

import logging

from flask import Flask, Response, request
from flask_babel import format_decimal
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, TooManyRequests

from invites.core.errors import Reason, RuleError
from invites.lists.entries import MAX_ENTRIES
from invites.lists.table import MAX_MEGABYTES
from invites.web.access import CrossSiteError
from invites.web.error_links import sentence_with_link
from invites.web.error_status import status_of
from invites.web.htmx import wants_fragment
from invites.web.labels import try_again_in
from invites.web.responses import json_error, show, wants_json
from invites.web.urls import page_of_this_request

log = logging.getLogger("invites.web")

_TITLE_AND_ADVICE = {
    400: (
        _("The request was incomplete"),
        _("Go back, reload the page and try again."),
    ),
    403: (
        _("Your role doesn't allow this"),
        _("If you need access, ask an Admin or Account Owner of this account."),
    ),
    404: (
        _("Page not found"),
        _("The address may be mistyped, or the page may no longer exist."),
    ),
    405: (
        _("This page can't be opened directly"),
        _("Go back and use the buttons on the page."),
    ),
    409: (
        _("This has changed"),
        _("Go back, reload the page and check its current state."),
    ),
    410: (
        _("This page no longer exists"),
        _("Ask the person who gave you the link for a new one."),
    ),
    413: (
        _("The upload is too large"),
        _(
            "Go back and send less: a file can have up to %(megabytes)s MB, a list "
            "up to %(rows)s addresses.",
            megabytes=MAX_MEGABYTES,
            rows=LazyString(format_decimal, MAX_ENTRIES),
        ),
    ),
    422: (
        _("This can't be done"),
        _("Go back, check what you entered and try again."),
    ),
    429: (
        _("Too many attempts"),
        _("Wait a while, then try again. Nothing is lost."),
    ),
    500: (
        _("Something went wrong"),
        _(
            "The error has been logged. Try again in a moment. If it happens "
            "again, tell the operator of this installation."
        ),
    ),
    503: (
        _("Too busy right now"),
        _("Try again in a moment. Nothing is lost."),
    ),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(CrossSiteError, _cross_site)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RuleError, _refused)
    app.register_error_handler(Exception, crash)


def _http_error(error: HTTPException) -> Response | HTTPException:
    is_redirect = error.code is not None and error.code < 400
    return error if is_redirect else http_error(error)


def http_error(error: HTTPException) -> Response:
    code = error.code or 500
    title, advice = _TITLE_AND_ADVICE.get(code, _TITLE_AND_ADVICE[400 if code < 500 else 500])
    if isinstance(error, TooManyRequests) and isinstance(error.retry_after, int):
        advice = _("%(when)s Nothing is lost.", when=try_again_in(error.retry_after))
    response = error_page(code, title, advice)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def stale_form(_error: CSRFError) -> Response:
    """For a form of another session, such as one from before the last login."""
    return error_page(
        400,
        _("This page has expired"),
        _("For your security, it can no longer be used. Go back, reload it and try again."),
    )


def _cross_site(_error: CrossSiteError) -> Response:
    return error_page(
        403,
        _("Request from another website"),
        _(
            "A page on another website sent this request, so nothing was done. "
            "Open the page on this website and try again."
        ),
    )


def _refused(refused: RuleError) -> Response:
    status = status_of(refused.reason)
    title, advice = _TITLE_AND_ADVICE[status]
    says_less = refused.reason in (Reason.NOT_ALLOWED, Reason.NOT_FOUND)
    return error_page(status, title, advice if says_less else sentence_with_link(refused))


def crash(error: Exception) -> Response:
    log.exception("%s %s failed", request.method, request.endpoint, exc_info=error)
    title, advice = _TITLE_AND_ADVICE[500]
    return error_page(InternalServerError.code, title, advice)


def error_page(code: int, title: object, advice: object) -> Response:
    """A page or, for htmx, a notice on the open page. Plain text if neither can be rendered.

    Catches every exception: gunicorn would log one with the whole URL, which may have a token.
    """
    if wants_json():
        return json_error(f"{title}. {advice}", code)
    try:
        response = show(
            "errors/page.html",
            fragment="errors/_error.html",
            status=code,
            code=code,
            title=title,
            advice=advice,
            again=page_of_this_request() if _may_work_again(code) else "",
        )
    except Exception:  # the page needs the database and a valid Host
        log.exception("the error page failed too")
        return Response(f"{title}. {advice}\n", status=code, mimetype="text/plain")
    if wants_fragment():
        response.headers["HX-Retarget"] = "#notices"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _may_work_again(code: int) -> bool:
    return code in (429, 503) or (request.method == "POST" and code != 404)
