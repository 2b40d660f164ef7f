"""Leaving an account by oneself."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action
from invites.core.errors import RuleError
from invites.members import memberships
from invites.web.access import allow, current
from invites.web.error_labels import sentence
from invites.web.responses import go, show, tell
from invites.web.services import now

blueprint = Blueprint("leaving", __name__, url_prefix="/accounts/<slug>/leaving")


@blueprint.get("")
@allow(Action.LEAVE)
def page() -> Response:
    """Say what leaving does, before it does."""
    return show(
        "account_home/leave.html", is_last_owner=memberships.is_last_owner(current().membership)
    )


@blueprint.post("")
@allow(Action.LEAVE)
def leave() -> Response:
    """End one's own membership."""
    try:
        memberships.leave(current().membership, now())
    except RuleError as refused:
        tell(sentence(refused), "problem")
        return go(url_for("leaving.page"))
    tell(_("You left %(account)s.", account=current().account.name))
    return go(url_for("account_list.index"))
