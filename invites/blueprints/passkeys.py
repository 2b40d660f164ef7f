"""Adding and removing a person's own passkeys."""

from flask import Blueprint, Response, abort, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField

from invites.core import text_fields, user_agents
from invites.core.errors import RuleError
from invites.people import passkeys, two_step
from invites.web.access import Who, allow
from invites.web.error_labels import sentence
from invites.web.error_status import status_of
from invites.web.form_limits import FORM
from invites.web.forms import checked_by
from invites.web.login import person, session_token
from invites.web.password_prompt import (
    PasswordForm,
    change_with_password,
    removal_warning,
    run_with_password,
)
from invites.web.rate_limits import limit_password_guesses, was_wrong_password
from invites.web.responses import go, json_error, show, tell
from invites.web.services import now, services

blueprint = Blueprint("passkeys", __name__, url_prefix="/profile/two-step/passkeys")


class NewPasskeyForm(PasswordForm):
    name = StringField(_l("Name"), validators=[checked_by(text_fields.clean_name)])
    credential = HiddenField()


@blueprint.post("/options")
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def options() -> AnyResponse:
    """As JSON, for the browser's passkey API."""
    password = request.form.get("password", "")
    try:
        asked = passkeys.registration_options(person(), password, _base_url(), now())
    except RuleError as refused:
        was_wrong_password(refused)
        return json_error(sentence(refused), status_of(refused.reason))
    return Response(asked, mimetype="application/json")


@blueprint.route("", methods=["GET", "POST"])
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def add() -> AnyResponse:
    device = user_agents.describe(request.user_agent.string)
    form = NewPasskeyForm(name=" · ".join(filter(None, device)))
    name, credential, base_url = form.name.data, form.credential.data or "", _base_url()

    def register(password: str) -> None:
        passkeys.register(person(), name, password, credential, session_token(), base_url, now())

    if not form.validate_on_submit() or not run_with_password(form, register):
        return show("two_step/passkey.html", form=form, status=form.status)
    tell(_("Passkey added. You can now log in with it."))
    return go(url_for("two_step.page"))


@blueprint.route("/<int:passkey_id>/removal", methods=["GET", "POST"])
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def remove(passkey_id: int) -> AnyResponse:
    mine = passkeys.of(person())
    found = next((one for one in mine if one.id == passkey_id), None)
    if found is None:
        abort(404)
    return change_with_password(
        lambda password: passkeys.remove(person(), passkey_id, password, now()),
        told=_("Passkey removed."),
        title=_("Remove the passkey %(name)s?", name=found.name),
        meaning=_("You will no longer be able to log in with it. Delete it on your device too."),
        warning=removal_warning(
            is_last=len(mine) == 1 and not two_step.has_authenticator(person())
        ),
        button=_("Remove"),
        is_danger=True,
    )


def _base_url() -> str:
    return services().settings.base_url
