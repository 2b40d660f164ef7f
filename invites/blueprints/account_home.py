"""An account's own page: the way to the assignments, and for admins to their work."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action
from invites.core.errors import RuleError
from invites.members import ownership
from invites.web.access import allow, current
from invites.web.error_labels import sentence
from invites.web.responses import go, show, tell
from invites.web.services import now

blueprint = Blueprint("account_home", __name__, url_prefix="/accounts/<slug>")


@blueprint.get("/")
@allow(Action.VISIT)
def page() -> Response:
    """Where a member arrives."""
    manages = current().may(Action.SEE_PEOPLE)
    return show(
        "account_home/page.html",
        may_claim=ownership.may_claim(current().membership),
        totals=current().scope.invitation_totals(now()) if manages else None,
        batches=current().scope.batches(1, size=5) if manages else None,
    )


@blueprint.post("/ownership")
@allow(Action.CLAIM_OWNERSHIP)
def claim() -> Response:
    """Become the Owner of an account that has none."""
    try:
        ownership.claim(current().membership, now())
    except RuleError as refused:
        tell(sentence(refused), "problem")
    else:
        tell(_("You are Account Owner of %(account)s now.", account=current().account.name))
    return go(url_for("account_home.page"))
