"""Permanent Invite: enable, copy and delete the reusable link."""

from datetime import timedelta

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action
from invites.members import permanent_link
from invites.web.access import allow, current
from invites.web.form_limits import FORM
from invites.web.responses import answer_done, show
from invites.web.services import links, now

blueprint = Blueprint("permanent_invite", __name__, url_prefix="/accounts/<slug>/permanent-invite")


@blueprint.get("")
@allow(Action.SEE_PEOPLE)
def page() -> Response:
    return _card()


@blueprint.post("")
@allow(Action.MANAGE_PERMANENT_LINK, body=FORM)
def enable() -> Response:
    permanent_link.enable(current().membership, now())
    return _answer_done(_("The permanent link is enabled. Copy it and share it."))


@blueprint.get("/deletion")
@allow(Action.MANAGE_PERMANENT_LINK)
def ask_deletion() -> Response:
    return _card(deleting=True)


@blueprint.post("/deletion")
@allow(Action.MANAGE_PERMANENT_LINK, body=FORM)
def delete() -> Response:
    permanent_link.delete(current().membership, now())
    return _answer_done(_("The permanent link is deleted. It no longer works."))


def _answer_done(message: str) -> Response:
    return answer_done(message, lambda _status: _card(), go_to=url_for("permanent_invite.page"))


def _card(*, deleting: bool = False) -> Response:
    link = permanent_link.active(current().account)
    return show(
        "permanent_invite/page.html",
        fragment="permanent_invite/_permanent_link.html",
        link=link,
        url=links().permanent(link) if link else None,
        deleting=deleting and link is not None,
        joined=permanent_link.joined_count(current().account),
        joined_today=permanent_link.joined_count(current().account, now() - timedelta(days=1)),
    )
