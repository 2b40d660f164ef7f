"""Two-step verification at login, with a code from the app or a recovery code."""

import logging

from flask import Blueprint, request
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField

from invites.core.errors import RuleError
from invites.models import User
from invites.people import two_step
from invites.web import pending_login
from invites.web.access import Who, allow
from invites.web.after_login import first_page
from invites.web.form_limits import FORM
from invites.web.forms import PlainForm
from invites.web.login import log_in
from invites.web.rate_limits import limit_two_step
from invites.web.responses import go, show
from invites.web.services import now, services
from invites.web.urls import login_url, safe_next

log = logging.getLogger("invites.web")

blueprint = Blueprint("two_step_login", __name__, url_prefix="/login")


class CodeForm(PlainForm):
    code = StringField(_l("Code"))
    recovery_code = StringField(_l("Recovery code"))
    next = HiddenField()


@blueprint.get("/two-step")
@allow(Who.ANYBODY)
def form() -> AnyResponse:
    found = pending_login.waiting()
    form = CodeForm(next=safe_next(request.args.get("next")))
    return _ask(found[0], form) if found else _begin_again()


@blueprint.post("/two-step")
@allow(Who.ANYBODY, body=FORM)
def create() -> AnyResponse:
    found = pending_login.waiting()
    if found is None:
        return _begin_again()
    user, shared = found
    return _try(user, shared=shared)


@limit_two_step
def _try(user: User, *, shared: bool) -> AnyResponse:
    """Must not redirect after a wrong code: rate_limits counts a redirect as a right one."""
    form = CodeForm()
    if not form.validate():
        return _ask(user, form)
    field = form.code if form.code.data else form.recovery_code
    try:
        two_step.check_code(user, field.data or "", services().signer, now())
        log_in(user, shared=shared)
    except RuleError as refused:
        log.warning("code refused: %.200r from %s", user.email, request.remote_addr)
        form.refuse(field, refused)
        return _ask(user, form)
    return go(safe_next(form.next.data) or first_page(user))


def _begin_again() -> AnyResponse:
    return go(login_url(next_url=safe_next(request.values.get("next")) or ""))


def _ask(user: User, form: CodeForm) -> AnyResponse:
    return show(
        "two_step_login/page.html",
        form=form,
        has_authenticator=two_step.has_authenticator(user),
        has_passkey=two_step.has_passkey(user),
        status=form.status,
    )
