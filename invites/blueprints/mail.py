"""The installer's Mail page or, without a mail server, the Mailbox of queued messages."""

from functools import partial
from typing import Any

from flask import Blueprint, Response, abort, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import EmailField, StringField

from invites.core import addresses
from invites.core.addresses import canonical
from invites.core.numbers import number_up_to
from invites.core.settings import MailServer
from invites.mail.message import OutgoingMail
from invites.mail.rendering import render, render_test_mail
from invites.mail_check import sender_domain
from invites.mail_check.test_mail import send_test_mail
from invites.members import installation
from invites.models import Delivery
from invites.outbox import heartbeat, throttle
from invites.outbox.throttle import Limits
from invites.web import mail_labels
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from invites.web.forms import PlainForm, checked_by
from invites.web.login import person
from invites.web.rate_limits import limit_test_mails
from invites.web.responses import go, show, tell
from invites.web.security_headers import MAIL_PREVIEW, page_policy
from invites.web.services import now, services

blueprint = Blueprint("mail", __name__)


class MailTestForm(PlainForm):
    email = EmailField(_l("Send it to"), validators=[checked_by(addresses.canonical)])


def _per_minute(text: str) -> int | None:
    """None for an empty text. Raises RuleError(NUMBER_OUT_OF_RANGE)."""
    return number_up_to(throttle.MAX_PER_MINUTE, text) if text.strip() else None


_connections = partial(number_up_to, throttle.MAX_CONNECTIONS)


class ThrottleForm(PlainForm):
    per_minute = StringField(_l("Emails per minute, at most"), validators=[checked_by(_per_minute)])
    connections = StringField(_l("Simultaneous connections"), validators=[checked_by(_connections)])

    @property
    def limits(self) -> Limits:
        return Limits(
            _per_minute(self.per_minute.data or ""), _connections(self.connections.data or "")
        )


@blueprint.before_request
def _show_mail_or_mailbox() -> AnyResponse | None:
    """Hides the Mailbox if there is a mail server: nobody should read other people's mail."""
    is_mailbox = request.path.startswith("/mailbox")
    if is_mailbox == (services().settings.mail_server is None):
        return None
    if is_mailbox and request.endpoint != "mail.mailbox":
        abort(404)
    return go(url_for("mail.page" if is_mailbox else "mail.mailbox"))


@blueprint.get("/mail")
@allow(Who.INSTALLER)
def page() -> AnyResponse:
    return _page()


@blueprint.post("/mail/test-mail")
@allow(Who.INSTALLER, body=FORM)
@limit_test_mails
def send_test() -> AnyResponse:
    """Reports every step. Blocks while the mail server answers, usually 30 seconds at most."""
    form = MailTestForm()
    if not form.validate():
        return _page("_test_mail.html", status=form.status, test_mail_form=form)
    mail = render_test_mail(canonical(form.email.data or ""), services().mail_context, now())
    return _page("_test_mail.html", test_mail_form=form, test_mail=send_test_mail(_server(), mail))


@blueprint.get("/mail/dns-records")
@allow(Who.INSTALLER)
def dns_records() -> AnyResponse:
    """Not part of the page, because DNS may be slow."""
    domain = services().settings.mail_from.domain
    found = None
    if sender_domain.is_public(domain):
        found = sender_domain.published(domain, sender_domain.system_resolver())
    return _page("_dns_records.html", was_looked_up=True, published=found)


@blueprint.post("/mail/throttle")
@allow(Who.INSTALLER, body=FORM)
def change_throttle() -> AnyResponse:
    form = ThrottleForm()
    if not form.validate():
        return _page(status=form.status, throttle_form=form)
    throttle.change(form.limits)
    tell(_("Saved. The new limits apply to the next emails."))
    return go(url_for("mail.page"))


@blueprint.get("/mailbox")
@allow(Who.INSTALLER)
def mailbox() -> AnyResponse:
    found = installation.queued_page(request.args.get("page", 1, type=int))
    return show(
        "mail/mailbox.html",
        fragment="mail/_mail_list.html",
        found=found,
        settings=services().settings,
        backup=installation.last_backup(now()),
    )


@blueprint.get("/mailbox/<int:delivery_id>")
@allow(Who.INSTALLER)
def queued_mail(delivery_id: int) -> AnyResponse:
    delivery, mail = _queued(delivery_id)
    if mail is None:
        return show("mail/withdrawn.html", delivery=delivery)
    response = show("mail/queued.html", delivery=delivery, mail=mail)
    response.headers["Content-Security-Policy"] = page_policy(frame_src="'self'")
    return response


@blueprint.get("/mailbox/<int:delivery_id>/html")
@allow(Who.INSTALLER)
def queued_html(delivery_id: int) -> AnyResponse:
    mail = _queued(delivery_id)[1]
    if mail is None:
        abort(404)
    return Response(mail.html, headers={"Content-Security-Policy": MAIL_PREVIEW})


def _server() -> MailServer:
    server = services().settings.mail_server
    assert server is not None  # see _show_mail_or_mailbox
    return server


def _page(fragment: str = "", *, status: int = 200, **parts: Any) -> AnyResponse:
    """``parts``: values that replace the defaults."""
    initial = {
        "test_mail_form": MailTestForm(formdata=None, email=person().email),
        "test_mail": None,
        "throttle_form": ThrottleForm(formdata=None, obj=throttle.read()),
        "was_looked_up": False,
        "published": None,
    }
    return show(
        "mail/page.html",
        fragment=f"mail/{fragment}" if fragment else "",
        status=status,
        settings=services().settings,
        server=_server(),
        worker_is_running=heartbeat.worker_is_running(now()),
        outage=heartbeat.outage(),
        mail_labels=mail_labels,
        backup=installation.last_backup(now()),
        **initial | parts,
    )


def _queued(delivery_id: int) -> tuple[Delivery, OutgoingMail | None]:
    """Returns None in place of a message that must no longer be sent."""
    delivery = installation.find_queued(delivery_id)
    if delivery is None:
        abort(404)
    return delivery, render(delivery, services().mail_context, now())
