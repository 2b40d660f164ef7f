"""Confirming an email address with the mailed link."""

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.core.addresses import is_same_mailbox
from invites.core.errors import Reason, RuleError
from invites.members import accounts
from invites.models import EmailToken, EmailTokenPurpose
from invites.people import confirmation, email_tokens
from invites.web.access import Who, allow
from invites.web.error_status import status_of
from invites.web.form_limits import FORM
from invites.web.login import person
from invites.web.password_prompt import PasswordForm
from invites.web.rate_limits import limit_password_guesses, was_wrong_password
from invites.web.responses import go, show, tell
from invites.web.services import links, now

blueprint = Blueprint("confirm_email", __name__, url_prefix="/confirm-email")


@blueprint.route("/<token:token>", methods=["GET", "POST"])
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def page(token: str) -> Response:
    """Asks for the password, because another person may have created the profile."""
    email_token = _own_email_token(token)
    if email_token is None or not email_tokens.is_open(email_token, now()):
        return _closed(email_token)
    form = PasswordForm()
    if request.method != "POST":
        return _page(email_token, form)
    try:
        checked = confirmation.check_password(person(), form.password.data or "")
        confirmation.confirm_email(email_token, checked, now())
    except RuleError as refused:
        if not was_wrong_password(refused):
            return _closed(email_token, refused.reason)
        form.refuse(form.password, refused)
        return _page(email_token, form)
    tell(_("%(email)s is confirmed.", email=email_token.email))
    return go(url_for("account_list.index"))


def _own_email_token(token: str) -> EmailToken | None:
    email_token = links().opened_email_token(token, EmailTokenPurpose.CONFIRM_EMAIL)
    return email_token if email_token is not None and email_token.user_id == person().id else None


def _page(email_token: EmailToken, form: PasswordForm) -> Response:
    email = email_token.email
    waiting = [one.role for one in accounts.memberships_of(person()) if one.is_role_waiting]
    is_other = not is_same_mailbox(person().email, email)
    role = max(waiting) if waiting and is_other else None
    return show(
        "confirm_email/page.html", email=email, lost_role=role, form=form, status=form.status
    )


def _closed(email_token: EmailToken | None, reason: Reason = Reason.EMAIL_TOKEN_CLOSED) -> Response:
    """Explains why the link doesn't work; usually it was already used."""
    is_done = (
        email_token is not None and person().is_confirmed and email_token.email == person().email
    )
    return show(
        "confirm_email/closed.html",
        taken=reason is Reason.PROFILE_EXISTS,
        is_done=is_done,
        status=status_of(reason),
    )
