"""Setup: the first account and its owner, protected by the code shown in the terminal."""

import hmac

from flask import Blueprint, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import EmailField, Field, StringField
from wtforms.validators import StopValidation

from invites.core import addresses, text_fields
from invites.core.errors import Reason, RuleError
from invites.members import installation
from invites.people import passwords, profiles
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from invites.web.forms import NewPasswordField, PlainForm, checked_by
from invites.web.login import log_in
from invites.web.rate_limits import limit_setup
from invites.web.responses import go, show, tell
from invites.web.services import now, services

blueprint = Blueprint("setup", __name__)


def _check_setup_code(_form: PlainForm, field: Field) -> None:
    typed = "".join(c for c in (field.data or "").upper() if c.isalnum()).encode()
    code = services().signer.setup_code().replace("-", "").encode()
    if not hmac.compare_digest(typed, code):
        raise StopValidation(_("This isn't the setup code. It looks like ABCD-EFGH-IJKL."))


class SetupForm(PlainForm):
    code = StringField(_l("Setup code"), validators=[_check_setup_code])
    account = StringField(_l("Organization"), validators=[checked_by(text_fields.clean_name)])
    name = StringField(_l("Name"), validators=[checked_by(text_fields.clean_name)])
    email = EmailField(_l("Email"), validators=[checked_by(addresses.canonical)])
    password = NewPasswordField(_l("Password"), validators=[checked_by(passwords.check_length)])


@blueprint.route("/setup", methods=["GET", "POST"])
@allow(Who.ANYBODY, body=FORM)
@limit_setup
def page() -> Response:
    if installation.is_set_up():
        return go(url_for("login.form"))
    form = SetupForm()
    if not form.validate_on_submit():
        return show("setup/page.html", form=form, status=form.status)
    try:
        profile = profiles.prepare(form.name.data, form.email.data, form.password.data or "")
        account, installer = installation.set_up(form.account.data, profile, now())
    except RuleError as refused:
        if refused.reason is Reason.ALREADY_SET_UP:
            return go(url_for("login.form"))
        form.refuse(form.password, refused)
        return show("setup/page.html", form=form, status=form.status)
    log_in(installer, shared=False)
    tell(_("%(account)s is set up. You can now invite people.", account=account.name))
    return go(url_for("compose.form", slug=account.slug))
