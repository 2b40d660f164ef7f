"""The response to visitors who aren't logged in, or whose session has ended.

Doesn't read their form.
"""

from flask import request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.web.htmx import is_htmx
from invites.web.responses import go, json_error, show, tell, wants_json
from invites.web.urls import login_url

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PERSON = "_user_id"  # Flask-Login's key in the session cookie


def send_to_login(*, sends_list: bool) -> Response:
    """Redirects to the login page and back. A list, or a form sent by htmx, gets a link instead."""
    if request.method not in _SAFE:
        if is_htmx():
            return _in_place()
        if sends_list:
            return show("login_required/page.html", login=login_url(), status=401)
    if wants_json():
        return json_error(_("You have been logged out. Reload this page to log in."), 401)
    if session.pop(_PERSON, None):
        tell(_("You have been logged out. Log in to continue."), "problem")
    return go(login_url(back_to_here=True))


def _in_place() -> Response:
    response = show("login_required/_notice.html", login=login_url(), status=401)
    response.headers["HX-Retarget"] = "#notices"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
