"""Where a person is signed in, and signing out there."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.people import sessions
from invites.web.access import Who, allow
from invites.web.login import person, session_token
from invites.web.responses import go, tell

blueprint = Blueprint("devices", __name__, url_prefix="/profile/devices")


@blueprint.post("/<int:session_id>/removal")
@allow(Who.LOGGED_IN)
def sign_out(session_id: int) -> Response:
    """End the session of one device."""
    sessions.end_one(person(), session_id)
    tell(_("That device is signed out."))
    return go(url_for("profile.page", _anchor="devices"))


@blueprint.post("/removal")
@allow(Who.LOGGED_IN)
def sign_out_others() -> Response:
    """End the sessions of all other devices."""
    sessions.end_all(person(), but=session_token())
    tell(_("All your other devices are signed out."))
    return go(url_for("profile.page", _anchor="devices"))
