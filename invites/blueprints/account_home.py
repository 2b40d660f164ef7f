"""An account's own page: the way to the assignments, and for admins to their work."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action
from invites.core.errors import Refused
from invites.members import ownership
from invites.web.access import allow, here
from invites.web.error_labels import sentence
from invites.web.responses import go, show, tell
from invites.web.services import now

blueprint = Blueprint("home", __name__, url_prefix="/accounts/<slug>")


@blueprint.get("/")
@allow(Action.VISIT)
def page() -> Response:
    """Where a member arrives."""
    manages = here().may(Action.SEE_PEOPLE)
    return show(
        "home/page.html",
        may_claim=ownership.may_claim(here().membership),
        totals=here().scope.invitation_totals(now()) if manages else None,
        batches=here().scope.batches(1, size=5) if manages else None,
    )


@blueprint.post("/ownership")
@allow(Action.CLAIM_OWNERSHIP)
def claim() -> Response:
    """Become the Owner of an account that has none."""
    try:
        ownership.claim(here().membership, now())
    except Refused as refused:
        tell(sentence(refused), "problem")
    else:
        tell(_("You are Account Owner of %(account)s now.", account=here().account.name))
    return go(url_for("home.page"))
