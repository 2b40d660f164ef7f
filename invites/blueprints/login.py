"""Log in, and log out."""

import logging

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, HiddenField, PasswordField

from invites.core.errors import RuleError
from invites.members import installation
from invites.models import Invitation, User
from invites.people import passkeys, profiles, two_step
from invites.web import last_login_address, pending_login
from invites.web.access import Who, allow
from invites.web.after_login import first_page
from invites.web.forms import PlainForm
from invites.web.labels import try_again_in
from invites.web.login import log_in, log_out, visitor
from invites.web.rate_limits import limit_logins
from invites.web.responses import go, show
from invites.web.services import links, now, services
from invites.web.urls import safe_next

log = logging.getLogger("invites.web")

blueprint = Blueprint("login", __name__)


class LoginForm(PlainForm):
    """Address, password, and where to go then."""

    email = EmailField(_l("Email"))
    password = PasswordField(_l("Password"))
    shared = BooleanField(_l("This is a shared computer"))
    next = HiddenField()


@blueprint.get("/login")
@allow(Who.ANYBODY)
def form() -> Response:
    """The log-in page."""
    if not installation.is_set_up():
        return go(url_for("setup.form"))
    next_url = safe_next(request.args.get("next"))
    who = visitor()
    if who is not None:
        return go(next_url or first_page(who.user))
    invitation = _invitation_behind(next_url)
    known = invitation.email if invitation and profiles.find(invitation.email) else ""
    email = request.args.get("email", known)
    return _page(LoginForm(next=next_url, email=email), invitation)


@blueprint.post("/login")
@allow(Who.ANYBODY)
@limit_logins
def create() -> Response:
    """Check the password, start a session, and lead on to where the person was going."""
    form = LoginForm()
    user = None
    if form.validate():
        try:
            user = profiles.authenticate(form.email.data or "", form.password.data or "")
        except RuleError as refused:
            form.refuse(form.password, refused)
            return _page(form, _invitation_behind(safe_next(form.next.data)), status=422)
    if user is not None and two_step.is_on(user):
        pending_login.begin(user, shared=form.shared.data)
        return go(url_for("two_step_login.form", next=safe_next(form.next.data)))
    if user is None or not _let_in(user, shared=form.shared.data):
        # As a literal, so that nobody types lines of their own into the log (ASVS 5.0 16.4.1).
        log.warning("log-in refused: %.200r from %s", form.email.data, request.remote_addr)
        form.password.errors = [
            _("This address and password don't go together. Check both, or set a new password.")
        ]
        last_login_address.keep(form.email.data)
        invitation = _invitation_behind(safe_next(form.next.data))
        return _page(form, invitation, status=422)
    return go(safe_next(form.next.data) or first_page(user))


@blueprint.errorhandler(TooManyRequests)
def too_many_tries(error: TooManyRequests) -> Response:
    """The log-in page with what was typed, and the way in that is open still."""
    form = LoginForm()
    when = try_again_in(int(str(error.retry_after)))
    form.password.errors = [
        _(
            "Too many tries. %(when)s Or set a new password, with which you can log in at once.",
            when=when,
        )
    ]
    last_login_address.keep(form.email.data)
    response = _page(form, _invitation_behind(safe_next(form.next.data)), status=429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@blueprint.post("/logout")
@allow(Who.ANYBODY)
def delete() -> Response:
    """End this device's session."""
    log_out()
    response = go(safe_next(request.form.get("next")) or url_for("login.form"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _page(form: LoginForm, invitation: Invitation | None, *, status: int = 200) -> Response:
    return show(
        "login/page.html",
        form=form,
        invitation=invitation,
        can_use_passkeys=passkeys.can_be_used(services().settings.base_url),
        status=status,
    )


def _invitation_behind(next_url: str | None) -> Invitation | None:
    """The invitation whose link led to the log-in, if one did and it is open."""
    token = (next_url or "").rpartition("/")[2]
    if not token or next_url != url_for("invitation.page", token=token):
        return None
    found = links().opened_invitation(token)
    return found[0] if found and found[0].is_open(now()) else None


def _let_in(user: User, *, shared: bool) -> bool:
    """Start a session; False when the password isn't enough any more since it was checked."""
    try:
        log_in(user, shared=shared, by_password_alone=True)
    except RuleError:
        return False
    return True
