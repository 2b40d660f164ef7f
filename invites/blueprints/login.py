"""Log in with a password or a passkey, and log out."""

import logging
from contextlib import suppress

from flask import Blueprint, request, url_for
from flask import Response as JsonResponse
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, HiddenField, PasswordField

from invites.core.errors import RuleError
from invites.members import answers, installation
from invites.models import Invitation
from invites.people import passkeys, profiles
from invites.web import pending_login
from invites.web.access import Who, allow
from invites.web.after_login import after_password, first_page
from invites.web.error_labels import sentence
from invites.web.error_links import with_link
from invites.web.error_pages import http_error
from invites.web.error_status import status_of
from invites.web.form_limits import FORM
from invites.web.forms import PlainForm
from invites.web.labels import try_again_in
from invites.web.login import log_in, log_out, visitor
from invites.web.rate_limits import limit_logins, limit_passkeys
from invites.web.responses import go, show, tell, wants_json
from invites.web.services import links, now, services
from invites.web.urls import safe_next

log = logging.getLogger("invites.web")

blueprint = Blueprint("login", __name__)


class LoginForm(PlainForm):
    email = EmailField(_l("Email"))
    password = PasswordField(_l("Password"))
    shared = BooleanField(_l("This is a shared computer"))
    next = HiddenField()


class PasskeyForm(PlainForm):
    credential = HiddenField()
    shared = BooleanField()
    next = HiddenField()


@blueprint.get("/login")
@allow(Who.ANYBODY)
def form() -> Response:
    if not installation.is_set_up():
        return go(url_for("setup.page"))
    next_url = safe_next(request.args.get("next"))
    who = visitor()
    if who is not None:
        return go(next_url or first_page(who.user))
    return _page(LoginForm(next=next_url, email=request.args.get("email")))


@blueprint.post("/login")
@allow(Who.ANYBODY, body=FORM)
@limit_logins
def create() -> Response:
    form = LoginForm()
    user = None
    if form.validate():
        try:
            user = profiles.authenticate(form.email.data or "", form.password.data or "")
        except RuleError as refused:
            form.refuse(form.password, refused)
            return _page(form)
    next_url = safe_next(form.next.data)
    if user is not None:
        with suppress(RuleError):
            return after_password(user, shared=form.shared.data, next_url=next_url)
    # %r escapes line breaks, so nobody can forge log lines (ASVS 5.0 16.4.1).
    log.warning("login refused: %.200r from %s", form.email.data, request.remote_addr)
    form.password.errors = [
        _with_new_password(
            _("This email address and password don't match. Check both and try again.")
        )
    ]
    return _page(form)


@blueprint.errorhandler(TooManyRequests)
def too_many_tries(error: TooManyRequests) -> Response:
    """Keeps what was typed, and offers to set a new password."""
    if wants_json():
        return http_error(error)
    form = LoginForm()
    when = try_again_in(int(str(error.retry_after)))
    words = _("Too many attempts. %(when)s With a new password, you can log in at once.", when=when)
    form.password.errors = [_with_new_password(words)]
    response = _page(form, status=429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@blueprint.post("/login/passkey/options")
@allow(Who.ANYBODY, body=FORM)
@limit_passkeys
def passkey_options() -> Response:
    """As JSON, for the browser's passkey API."""
    asked = passkeys.login_options(services().settings.base_url, now())
    return JsonResponse(asked, mimetype="application/json")


@blueprint.post("/login/passkey")
@allow(Who.ANYBODY, body=FORM)
@limit_passkeys
def use_passkey() -> Response:
    """Logs in with a passkey, instead of a password or after one."""
    form = PasskeyForm()
    try:
        base_url = services().settings.base_url
        user = passkeys.authenticate(form.credential.data or "", base_url, now())
        log_in(user, shared=form.shared.data or pending_login.waits_on_shared_device(user))
    except RuleError as refused:
        log.warning("passkey refused from %s", request.remote_addr)
        tell(sentence(refused), "problem")
        return _page(LoginForm(), status=status_of(refused.reason))
    return go(safe_next(form.next.data) or first_page(user))


@blueprint.post("/logout")
@allow(Who.ANYBODY, body=FORM)
def delete() -> Response:
    log_out()
    response = go(safe_next(request.form.get("next")) or url_for("login.form"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _with_new_password(words: str) -> str:
    return with_link(words, url_for("password_reset.ask"), _("Set a new password"))


def _page(form: LoginForm, *, status: int | None = None) -> Response:
    invitation = _invitation_behind(safe_next(form.next.data))
    return show(
        "login/page.html",
        form=form,
        invitation=invitation,
        can_use_passkeys=passkeys.are_possible(services().settings.base_url),
        status=form.status if status is None else status,
    )


def _invitation_behind(next_url: str | None) -> Invitation | None:
    token = (next_url or "").rpartition("/")[2]
    if not token or next_url != url_for("invitation.page", token=token):
        return None
    found = links().opened_invitation(token)
    if found is None or answers.refusal(found.invitation, found.copier, now()) is not None:
        return None
    return found.invitation
