"""Leaving an account by oneself."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action
from invites.core.errors import Refused
from invites.members import memberships
from invites.web.access import allow, here
from invites.web.error_labels import sentence
from invites.web.responses import go, show, tell
from invites.web.services import now

blueprint = Blueprint("leaving", __name__, url_prefix="/accounts/<slug>/leaving")


@blueprint.get("")
@allow(Action.LEAVE)
def page() -> Response:
    """Say what leaving does, before it does."""
    return show("leaving/page.html", is_last_owner=memberships.is_last_owner(here().membership))


@blueprint.post("")
@allow(Action.LEAVE)
def leave() -> Response:
    """End one's own membership."""
    try:
        memberships.leave(here().membership, now())
    except Refused as refused:
        tell(sentence(refused), "problem")
        return go(url_for("leaving.page"))
    tell(_("You left %(account)s.", account=here().account.name))
    return go(url_for("accounts.index"))
