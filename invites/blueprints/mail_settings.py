"""How mail goes out: what is configured, a test mail, the domain's records. For the installer."""

from typing import Any

from flask import Blueprint, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import EmailField, StringField

from invites.core import addresses
from invites.core.addresses import canonical
from invites.core.settings import MailServer
from invites.outbox import heartbeat, throttle
from invites.sending import sender_domain
from invites.sending.test_mail import build_test_mail, send_test_mail
from invites.web import mail_labels
from invites.web.access import Who, allow
from invites.web.forms import PlainForm, checked_by
from invites.web.login import person
from invites.web.rate_limits import limit_test_mails
from invites.web.responses import go, show, tell
from invites.web.services import now, services

blueprint = Blueprint("mail_settings", __name__, url_prefix="/mail")


class MailTestForm(PlainForm):
    """Where a test mail goes."""

    email = EmailField(_l("Send it to"), validators=[checked_by(addresses.canonical)])


class PaceForm(PlainForm):
    """How fast mail goes out."""

    per_minute = StringField(
        _l("Mails a minute, at most"), validators=[checked_by(throttle.clean_per_minute)]
    )
    connections = StringField(
        _l("Connections at once"), validators=[checked_by(throttle.clean_connections)]
    )


@blueprint.before_request
def _only_with_a_mail_server() -> AnyResponse | None:
    return go(url_for("mailbox.index")) if services().settings.mail_server is None else None


@blueprint.get("")
@allow(Who.INSTALLER)
def page() -> AnyResponse:
    """How mail is configured, and how it goes."""
    return _show()


@blueprint.post("/test-mail")
@allow(Who.INSTALLER)
@limit_test_mails
def test_mail() -> AnyResponse:
    """Send a test mail now, and tell every step; takes as long as the mail server does."""
    form = MailTestForm()
    if not form.validate():
        return _show("_test_mail.html", status=form.status, test_mail_form=form)
    mail = build_test_mail(canonical(form.email.data or ""), services().mail_context, now())
    return _show("_test_mail.html", test_mail_form=form, test_mail=send_test_mail(_server(), mail))


@blueprint.get("/published")
@allow(Who.INSTALLER)
def published() -> AnyResponse:
    """What DNS says about the sender's domain; apart from the page, because DNS may be slow."""
    domain = services().settings.mail_from.domain
    found = None
    if sender_domain.is_public(domain):
        found = sender_domain.published(domain, sender_domain.this_machines_resolver())
    return _show("_published.html", was_looked_up=True, published=found)


@blueprint.post("/pace")
@allow(Who.INSTALLER)
def pace() -> AnyResponse:
    """Store how fast mail goes out."""
    form = PaceForm()
    if not form.validate():
        return _show(status=form.status, pace_form=form)
    throttle.change(form.per_minute.data or "", form.connections.data or "")
    tell(_("Saved. The worker keeps to it from the next mails on."))
    return go(url_for("mail_settings.page"))


def _server() -> MailServer:
    server = services().settings.mail_server
    assert server is not None  # see _only_with_a_mail_server
    return server


def _show(fragment: str = "", *, status: int = 200, **parts: Any) -> AnyResponse:
    """The page, or one part of it; ``parts`` take the place of what it begins with."""
    beginning = {
        "test_mail_form": MailTestForm(formdata=None, email=person().email),
        "test_mail": None,
        "pace_form": PaceForm(formdata=None, obj=throttle.read()),
        "was_looked_up": False,
        "published": None,
    }
    return show(
        "mail_settings/page.html",
        fragment=f"mail_settings/{fragment}" if fragment else "",
        status=status,
        settings=services().settings,
        server=_server(),
        worker_lives=heartbeat.worker_is_running(now()),
        outage=heartbeat.outage(),
        mail_words=mail_labels,
        **beginning | parts,
    )
