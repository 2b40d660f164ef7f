"""The Mailbox: mail that waits because no mail server is configured. For the installer only."""

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from invites.mail.message import OutgoingMail
from invites.mail.rendering import render
from invites.models import Delivery
from invites.outbox import deliveries
from invites.web.access import Who, allow
from invites.web.responses import go, show
from invites.web.security_headers import MAIL_PREVIEW, page_policy
from invites.web.services import now, services

blueprint = Blueprint("mailbox", __name__, url_prefix="/mailbox")


@blueprint.get("")
@allow(Who.INSTALLER)
def index() -> AnyResponse:
    """All mail that waits, newest first; with a mail server, how that goes."""
    if services().settings.mail_server is not None:
        return go(url_for("mail_settings.page"))
    found = deliveries.queued_page(request.args.get("page", 1, type=int))
    return show("mailbox/page.html", fragment="mailbox/_mail_list.html", found=found)


@blueprint.get("/<int:delivery_id>")
@allow(Who.INSTALLER)
def page(delivery_id: int) -> AnyResponse:
    """One mail: its headers, its text, and its HTML in a frame."""
    delivery, mail = _waiting(delivery_id)
    if mail is None:
        return show("mailbox/withdrawn.html", delivery=delivery)
    response = show("mailbox/mail.html", delivery=delivery, mail=mail)
    response.headers["Content-Security-Policy"] = page_policy(frame_src="'self'")
    return response


@blueprint.get("/<int:delivery_id>/html")
@allow(Who.INSTALLER)
def html(delivery_id: int) -> AnyResponse:
    """The HTML part alone, in a sandbox of its own."""
    mail = _waiting(delivery_id)[1]
    if mail is None:
        abort(404)
    return Response(mail.html, headers={"Content-Security-Policy": MAIL_PREVIEW})


def _waiting(delivery_id: int) -> tuple[Delivery, OutgoingMail | None]:
    """A mail that waits here, None when it won't go out any more.

    With a mail server there is no such page: nobody reads other people's mail.
    """
    delivery = deliveries.find_queued(delivery_id)
    if delivery is None or services().settings.mail_server is not None:
        abort(404)
    return delivery, render(delivery, services().mail_context, now())
