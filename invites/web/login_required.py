"""The response to visitors who aren't logged in, or whose session has ended."""

from flask import current_app, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.web.form_limits import holds_lists, take_large_form
from invites.web.htmx import is_htmx
from invites.web.responses import go, show, tell
from invites.web.urls import login_url

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PERSON = "_user_id"  # Flask-Login's key in the session cookie


def send_to_login() -> Response:
    """Redirects to the login page, and back afterwards. Nothing typed is lost."""
    if request.method not in _SAFE:
        if is_htmx():
            return _in_place()
        if holds_lists(current_app.view_functions[request.endpoint or ""]):
            return _with_what_was_typed()
    if session.pop(_PERSON, None):
        tell(_("You have been logged out. Log in to continue."), "problem")
    return go(login_url(back_to_here=True))


def _in_place() -> Response:
    response = show("login_required/_notice.html", login=login_url(), status=401)
    response.headers["HX-Retarget"] = "#notices"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def _with_what_was_typed() -> Response:
    """A page that keeps what was typed while the person logs in in another tab.

    Its form has no CSRF token, so nothing is sent before the person has reviewed it again.
    """
    take_large_form()
    typed = [(name, text) for name, text in request.form.items() if name != "csrf_token"]
    action = url_for("compose.create", slug=(request.view_args or {})["slug"])
    return show(
        "login_required/page.html", login=login_url(), typed=typed, action=action, status=401
    )
