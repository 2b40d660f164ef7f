"""A person's own profile: name, phone, address, password and devices."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, StringField, TelField

from invites.core import addresses, text_fields, user_agents
from invites.core.errors import RuleError
from invites.models import Session
from invites.people import profiles, sessions, two_step
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from invites.web.forms import NewPasswordField, PlainForm, checked_by
from invites.web.login import person, session_token
from invites.web.rate_limits import limit_password_guesses, was_wrong_password
from invites.web.responses import go, show, tell
from invites.web.services import now

blueprint = Blueprint("profile", __name__, url_prefix="/profile")

_SHOWN = 20  # devices


class DetailsForm(PlainForm):
    name = StringField(_l("Name"), validators=[checked_by(text_fields.clean_name)])
    phone = TelField(_l("Phone (optional)"), validators=[checked_by(text_fields.clean_phone)])


class EmailForm(PlainForm):
    email = EmailField(_l("New email"), validators=[checked_by(addresses.canonical)])
    email_password = PasswordField(_l("Your password"))


class ChangePasswordForm(PlainForm):
    current = PasswordField(_l("Current password"))
    new = NewPasswordField(_l("New password"))


@blueprint.get("")
@allow(Who.LOGGED_IN)
def page() -> Response:
    return _page()


@blueprint.post("/details")
@allow(Who.LOGGED_IN, body=FORM)
def change_details() -> Response:
    form = DetailsForm()
    if not form.validate():
        return _page(details=form)
    profiles.update_details(person(), form.name.data, form.phone.data or "")
    tell(_("Profile saved."))
    return go(url_for("profile.page"))


@blueprint.post("/email")
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def change_email() -> Response:
    """The old address stays in use until the new one is confirmed with the mailed link."""
    form = EmailForm()
    if not form.validate():
        return _page(email=form)
    try:
        profiles.change_email(person(), form.email.data, form.email_password.data or "", now())
    except RuleError as refused:
        form.refuse(form.email_password if was_wrong_password(refused) else form.email, refused)
        return _page(email=form)
    tell(
        _(
            "Open the link in the email we sent to %(email)s. Until then, your "
            "current address stays in use.",
            email=form.email.data,
        )
    )
    return go(url_for("profile.page"))


@blueprint.post("/password")
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def change_password() -> Response:
    """Logs all other devices out."""
    form = ChangePasswordForm()
    if not form.validate():
        return _page(password=form)
    current, new = form.current.data or "", form.new.data or ""
    try:
        profiles.change_password(person(), current, new, session_token(), now())
    except RuleError as refused:
        form.refuse(form.current if was_wrong_password(refused) else form.new, refused)
        return _page(password=form)
    tell(_("Your new password is set. You are logged out on all other devices."))
    return go(url_for("profile.page"))


@blueprint.post("/devices/<int:session_id>/removal")
@allow(Who.LOGGED_IN, body=FORM)
def log_out_device(session_id: int) -> Response:
    sessions.end_one(person(), session_id)
    tell(_("The device is logged out."))
    return go(url_for("profile.page", _anchor="devices"))


@blueprint.post("/devices/removal")
@allow(Who.LOGGED_IN, body=FORM)
def log_out_other_devices() -> Response:
    sessions.end_all(person(), except_token=session_token())
    tell(_("You are logged out on all other devices."))
    return go(url_for("profile.page", _anchor="devices"))


def _page(
    details: DetailsForm | None = None,
    email: EmailForm | None = None,
    password: ChangePasswordForm | None = None,
) -> Response:
    """Shows new forms, except for the refused one that is passed in."""
    refused = details or email or password
    devices, more_devices = sessions.newest(person(), session_token(), now(), limit=_SHOWN)
    return show(
        "profile/page.html",
        details=details or DetailsForm(formdata=None, obj=person()),
        email=email or EmailForm(formdata=None),
        password=password or ChangePasswordForm(formdata=None),
        devices=[(one, user_agents.describe(one.user_agent)) for one in devices],
        more_devices=more_devices,
        is_this_device=_is_this_device,
        has_two_step=two_step.is_on(person()),
        pending_email=profiles.pending_email(person(), now()),
        status=refused.status if refused else 200,
    )


def _is_this_device(session: Session) -> bool:
    return sessions.has_token(session, session_token())
