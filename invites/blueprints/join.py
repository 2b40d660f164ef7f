"""The page behind a permanent link: join as somebody new, or as oneself."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, StringField

from invites import addresses, memberships, passwords, permanent_link, profiles, texts
from invites.models import Account, PermanentLink
from invites.refusals import Reason, Refused
from invites.tokens import Purpose, row_id
from invites.web.access import Who, allow
from invites.web.forms import PlainForm, checked_by
from invites.web.limits import limit_joining, limit_logins
from invites.web.pages import go, show, tell
from invites.web.services import now, services
from invites.web.signin import log_in, person, visitor

blueprint = Blueprint("join", __name__, url_prefix="/join/<token>")


class JoinForm(PlainForm):
    """Somebody new."""

    name = StringField(_l("Name"), validators=[checked_by(texts.clean_name)])
    email = EmailField(_l("Email"), validators=[checked_by(addresses.canonical)])
    password = PasswordField(_l("Password"), validators=[checked_by(passwords.check_length)])


@blueprint.get("")
@allow(Who.ANYBODY)
def page(token: str) -> Response:
    """Says what the link leads to. Opening it changes nothing."""
    link = _link(token)
    if link is None:
        return show("join/closed.html", status=410)
    who = visitor()
    if who is None:
        return _sign_up(link, token, JoinForm())
    membership = memberships.find(link.account, who.user)
    return show("join/accept.html", link=link, token=token, membership=membership)


@blueprint.post("")
@allow(Who.ANYBODY)
@limit_joining
@limit_logins
def create(token: str) -> Response:
    """Join as somebody new: in at once, with a confirmation mail on its way."""
    link = _link(token)
    if link is None:
        return show("join/closed.html", status=410)
    form = JoinForm()
    if not form.validate():
        return _sign_up(link, token, form, status=422)
    try:
        profile = profiles.prepare(form.name.data, form.email.data, form.password.data or "")
        membership = permanent_link.join_as_new(link, profile, now())
    except Refused as refused:
        if refused.reason is Reason.LINK_CLOSED:
            return show("join/closed.html", status=410)
        about_email = refused.reason is Reason.PROFILE_EXISTS
        form.refuse(form.email if about_email else form.password, refused)
        return _sign_up(link, token, form, status=422)
    log_in(membership.user)
    return _welcome(link.account)


@blueprint.post("/acceptance")
@allow(Who.LOGGED_IN)
def accept(token: str) -> Response:
    """Join as the person who is logged in."""
    link = _link(token)
    if link is None:
        return show("join/closed.html", status=410)
    try:
        permanent_link.join(link, person(), now())
    except Refused as refused:
        if refused.reason is Reason.LINK_CLOSED:
            return show("join/closed.html", status=410)
        return go(url_for("join.page", token=token))
    return _welcome(link.account)


def _link(token: str) -> PermanentLink | None:
    """The working link of a token; deleted, forged and mistyped ones are all None."""
    link = PermanentLink.get_or_none(
        PermanentLink.id == row_id(token), PermanentLink.deleted_at.is_null()
    )
    if link is None or not services().signer.matches(token, Purpose.PERMANENT_LINK, link):
        return None
    return link


def _welcome(account: Account) -> Response:
    tell(_("You are in. Welcome to %(account)s.", account=account.name))
    return go(url_for("home.page", slug=account.slug))


def _sign_up(link: PermanentLink, token: str, form: JoinForm, *, status: int = 200) -> Response:
    return show("join/page.html", link=link, token=token, form=form, status=status)
