"""Forgotten passwords: request an email, open its link, set a new password."""

import time
from collections.abc import Callable
from functools import wraps

from flask import Blueprint, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField
from wtforms.validators import EqualTo

from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.models import EmailToken, EmailTokenPurpose
from invites.people import confirmation, email_tokens, profiles
from invites.web.access import Who, allow
from invites.web.after_login import after_password
from invites.web.error_status import status_of
from invites.web.form_limits import FORM
from invites.web.forms import NewPasswordField, PlainForm, checked_by
from invites.web.login import is_own_device, log_out
from invites.web.rate_limits import limit_joining, limit_mail
from invites.web.responses import show, tell
from invites.web.services import links, now

blueprint = Blueprint("password_reset", __name__, url_prefix="/password-reset")

_LEAST_SECONDS = 0.05  # sending a link takes less


class AskForm(PlainForm):
    email = EmailField(_l("Email"), validators=[checked_by(addresses.canonical)])


class NewPasswordForm(PlainForm):
    password = NewPasswordField(_l("New password"))
    again = NewPasswordField(
        _l("Repeat the new password"),
        validators=[
            EqualTo("password", _l("The two passwords don't match. Enter the new password again."))
        ],
    )
    shared = BooleanField(_l("This is a shared computer"))


def _takes_the_same_time(view: Callable[[], Response]) -> Callable[[], Response]:
    """Waits, because finding a profile takes half a millisecond longer than finding none."""

    @wraps(view)
    def waiting() -> Response:
        until = time.monotonic() + _LEAST_SECONDS
        response = view()
        if request.method == "POST":
            time.sleep(max(0, until - time.monotonic()))
        return response

    return waiting


@blueprint.route("", methods=["GET", "POST"])
@allow(Who.ANYBODY, body=FORM)
@_takes_the_same_time
@limit_mail
def ask() -> Response:
    """Neither the response nor its time reveals whether the address has a profile."""
    form = AskForm()
    if not form.validate_on_submit():
        return show("password_reset/ask.html", form=form, status=form.status)
    profiles.request_password_reset(form.email.data, now(), is_own_device)
    return show("password_reset/asked.html", email=form.email.data)


@blueprint.route("/<token:token>", methods=["GET", "POST"])
@allow(Who.ANYBODY, body=FORM)
@limit_joining
def page(token: str) -> Response:
    """Logs out all devices, then logs in on this one."""
    email_token = _open_email_token(token)
    if email_token is None:
        return _closed()
    form = NewPasswordForm()
    if not form.validate_on_submit():
        return _page(form, email_token)
    try:
        user = confirmation.reset_password(email_token, form.password.data or "", now())
    except RuleError as refused:
        if refused.reason is Reason.EMAIL_TOKEN_CLOSED:
            return _closed()
        form.refuse(form.password, refused)
        return _page(form, email_token)
    log_out()
    response = after_password(user, shared=form.shared.data)
    tell(_("Your new password is set."))  # in the new session
    return response


def _open_email_token(token: str) -> EmailToken | None:
    found = links().opened_email_token(token, EmailTokenPurpose.RESET_PASSWORD)
    return found if found is not None and email_tokens.is_open(found, now()) else None


def _page(form: NewPasswordForm, email_token: EmailToken) -> Response:
    return show("password_reset/page.html", form=form, person=email_token.user, status=form.status)


def _closed() -> Response:
    return show("password_reset/closed.html", status=status_of(Reason.EMAIL_TOKEN_CLOSED))
