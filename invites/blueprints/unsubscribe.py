"""Unsubscribing, with the link in every invitation email."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from invites.core import addresses
from invites.invitations import unsubscribe
from invites.models import Invitation
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from invites.web.rate_limits import limit_resubscribing
from invites.web.responses import go, show, tell
from invites.web.services import links, now

blueprint = Blueprint("unsubscribe", __name__, url_prefix="/unsubscribe/<token:token>")

Change = Callable[[Invitation, datetime], None]

_ONE_CLICK = {"List-Unsubscribe": ["One-Click"]}


@blueprint.get("")
@allow(Who.ANYBODY)
def page(token: str) -> Response:
    """Changes nothing: programs that scan emails open every link."""
    invitation = links().opened_unsubscribe(token)
    if invitation is None:
        return show("invitation/unknown.html", status=404)
    is_unsubscribed = unsubscribe.is_unsubscribed(invitation)
    return show(
        "unsubscribe/page.html", invitation=invitation, token=token, is_unsubscribed=is_unsubscribed
    )


@blueprint.post("")
@allow(Who.MAIL_SERVICE, body=FORM)
def one_click(token: str) -> Response:
    """Called by mail programs (RFC 8058), without a cookie.

    Answers with plain text, because a page with a form would set a session cookie. If a page of
    another site sends the request, that cookie would log the person out.
    """
    if request.form.to_dict(flat=False) != _ONE_CLICK or request.files:
        raise BadRequest
    invitation = links().opened_unsubscribe(token)
    if invitation is None:
        return show("invitation/unknown.html", status=404)
    unsubscribe.unsubscribe(invitation, now())
    told = _(
        "%(account)s can no longer send invitations to %(email)s.",
        account=invitation.account.name,
        email=addresses.masked(invitation.email),
    )
    return Response(f"{told}\n", mimetype="text/plain")


@blueprint.post("/confirmation")
@allow(Who.ANYBODY, body=FORM)
def confirm(token: str) -> Response:
    return _answer(token, unsubscribe.unsubscribe)


@blueprint.post("/return")
@allow(Who.ANYBODY, body=FORM)
@limit_resubscribing
def undo(token: str) -> Response:
    return _answer(token, _resubscribe)


def _resubscribe(invitation: Invitation, at: datetime) -> None:
    unsubscribe.resubscribe(invitation.account, invitation.email, at)
    tell(_("%(account)s can invite you again.", account=invitation.account.name))


def _answer(token: str, action: Change) -> Response:
    invitation = links().opened_unsubscribe(token)
    if invitation is None:
        return show("invitation/unknown.html", status=404)
    action(invitation, now())
    return go(url_for("unsubscribe.page", token=token))
