"""An account's own page: the way to the assignments, and for admins to their work."""

from flask import Blueprint
from werkzeug.wrappers import Response

from invites.access import Action
from invites.web.access import allow, here
from invites.web.pages import show
from invites.web.services import now

blueprint = Blueprint("home", __name__, url_prefix="/accounts/<slug>")


@blueprint.get("/")
@allow(Action.VISIT)
def page() -> Response:
    """Where a member arrives."""
    manages = here().may(Action.SEE_PEOPLE)
    return show(
        "home/page.html",
        totals=here().scope.invitation_totals(now()) if manages else None,
        batches=here().scope.batches(limit=5) if manages else [],
    )
