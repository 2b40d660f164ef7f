"""What a page answers whose visitor isn't logged in, or not any more."""

from flask import current_app, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.web.form_limits import holds_lists, take_large_form
from invites.web.htmx import is_htmx
from invites.web.responses import go, show, tell
from invites.web.urls import login_url

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PERSON = "_user_id"  # in the visitor's cookie: Flask-Login's name for whoever was logged in


def send_to_login() -> Response:
    """Lead to the log-in and back afterwards; what somebody typed stays where they typed it."""
    if request.method not in _SAFE:
        if is_htmx():
            return _in_place()
        if holds_lists(current_app.view_functions[request.endpoint or ""]):
            return _with_what_was_typed()
    if session.pop(_PERSON, None):
        tell(_("You have been logged out. Log in to continue."), "problem")
    return go(login_url(back_to_here=True))


def _in_place() -> Response:
    """A notice on the page that is open, which stays as it is."""
    response = show("login_required/_notice.html", login=login_url(), status=401)
    response.headers["HX-Retarget"] = "#notices"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def _with_what_was_typed() -> Response:
    """A page that holds it until they have logged in beside it.

    It sends no token along, so that what comes is looked at once more and not done.
    """
    take_large_form()
    typed = [(name, text) for name, text in request.form.items() if name != "csrf_token"]
    action = url_for("compose.create", slug=(request.view_args or {})["slug"])
    return show(
        "login_required/page.html", login=login_url(), typed=typed, action=action, status=401
    )
