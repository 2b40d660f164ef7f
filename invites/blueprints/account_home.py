"""An account's start page, and leaving the account."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action
from invites.members import memberships, ownership
from invites.web.access import allow, current
from invites.web.form_limits import FORM
from invites.web.responses import run_rule, show
from invites.web.services import now

blueprint = Blueprint("account_home", __name__, url_prefix="/accounts/<slug>")


@blueprint.get("/")
@allow(Action.VISIT)
def page() -> Response:
    """Moderators and above also see totals and the newest batches."""
    return _page()


@blueprint.post("/ownership")
@allow(Action.CLAIM_OWNERSHIP, body=FORM)
def claim_ownership() -> Response:
    return run_rule(
        lambda: ownership.claim(current().membership, now()),
        lambda status: _page(status=status),
        told=lambda _none: _(
            "You are now Account Owner of %(account)s.", account=current().account.name
        ),
        go_to=url_for("account_home.page"),
        has_fragment=False,
    )


@blueprint.get("/leaving")
@allow(Action.LEAVE)
def ask_to_leave() -> Response:
    return _leaving_page()


@blueprint.post("/leaving")
@allow(Action.LEAVE, body=FORM)
def leave() -> Response:
    return run_rule(
        lambda: memberships.leave(current().membership, now()),
        lambda status: _leaving_page(status=status),
        told=lambda _none: _("You left %(account)s.", account=current().account.name),
        go_to=url_for("account_list.index"),
        has_fragment=False,
    )


def _page(*, status: int = 200) -> Response:
    manages = current().may(Action.SEE_PEOPLE)
    return show(
        "account_home/page.html",
        may_claim=ownership.may_claim(current().membership),
        totals=current().scope.invitations.totals(now()) if manages else None,
        batches=current().scope.batches.page(1, size=5) if manages else None,
        status=status,
    )


def _leaving_page(*, status: int = 200) -> Response:
    return show(
        "account_home/leave.html",
        is_last_owner=memberships.is_last_owner(current().membership),
        status=status,
    )
