"""The page of a permanent link: join with a new profile, or as the person who is logged in."""

from flask import Blueprint, request
from werkzeug.wrappers import Response

from invites.core.errors import Reason, RuleError
from invites.members import memberships, permanent_link
from invites.models import PermanentLink
from invites.people import profiles
from invites.web.access import Who, allow
from invites.web.after_login import after_join, welcome
from invites.web.error_status import status_of
from invites.web.form_limits import FORM
from invites.web.forms import JoinForm
from invites.web.login import person, renew, visitor
from invites.web.rate_limits import limit_joining
from invites.web.responses import show
from invites.web.services import links, now

blueprint = Blueprint("join", __name__, url_prefix="/join/<token:token>")


@blueprint.route("", methods=["GET", "POST"])
@allow(Who.ANYBODY, body=FORM)
@limit_joining
def page(token: str) -> Response:
    """Joins with a new profile, whose address is confirmed later."""
    link = links().opened_permanent(token)
    if link is None:
        return _closed()
    if request.method != "POST" and visitor() is not None:
        return _accept_page(link, token)
    form = JoinForm()
    del form.phone
    if not form.validate_on_submit():
        return _sign_up(link, token, form)
    try:
        profile = profiles.prepare(form.name.data, form.email.data, form.password.data or "")
        membership = permanent_link.join_as_new(link, profile, now())
    except RuleError as refused:
        if refused.reason is Reason.LINK_CLOSED:
            return _closed()
        about_email = refused.reason is Reason.PROFILE_EXISTS
        form.refuse(form.email if about_email else form.password, refused)
        return _sign_up(link, token, form)
    return after_join(membership, form)


@blueprint.post("/acceptance")
@allow(Who.LOGGED_IN, body=FORM)
def accept(token: str) -> Response:
    link = links().opened_permanent(token)
    if link is None:
        return _closed()
    try:
        permanent_link.join(link, person(), now())
    except RuleError as refused:
        if refused.reason is Reason.LINK_CLOSED:
            return _closed()
        return _accept_page(link, token, status=status_of(refused.reason))
    renew()
    return welcome(link.account)


def _sign_up(link: PermanentLink, token: str, form: JoinForm) -> Response:
    return show("join/page.html", link=link, token=token, form=form, status=form.status)


def _accept_page(link: PermanentLink, token: str, *, status: int = 200) -> Response:
    membership = memberships.find(link.account, person())
    return show("join/accept.html", link=link, token=token, membership=membership, status=status)


def _closed() -> Response:
    return show("join/closed.html", status=status_of(Reason.LINK_CLOSED))
