"""The strength of a new password while it is typed."""

from contextlib import suppress

from flask import Blueprint, request
from werkzeug.wrappers import Response

from invites.core.errors import RuleError
from invites.people import passwords
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from invites.web.login import visitor
from invites.web.rate_limits import limit_estimates
from invites.web.responses import show

blueprint = Blueprint("password_strength", __name__)


@blueprint.post("/password-strength")
@allow(Who.ANYBODY, body=FORM)
@limit_estimates
def estimate() -> Response:
    """Shows no label before the password is long enough. Changes nothing."""
    form, who = request.form, visitor()
    password = form.get("password") or form.get("new", "")
    email = who.user.email if who else form.get("email") or form.get("username", "")
    name = who.user.name if who else form.get("name", "")
    level = None
    if len(password) >= passwords.MIN_LENGTH:
        with suppress(RuleError):  # the queue is full: shows no label until the next keystroke
            level = passwords.strength(password, email=email[:254], name=name[:100])
    return show("password_strength/_password_strength.html", level=level)
