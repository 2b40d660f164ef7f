"""Adding and removing a person's own passkeys."""

from flask import Blueprint, Response, abort, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField

from invites.core import text_fields, user_agents
from invites.core.errors import Reason, RuleError
from invites.people import passkeys, two_step
from invites.web.access import Who, allow
from invites.web.error_labels import sentence
from invites.web.error_status import status_of
from invites.web.forms import checked_by
from invites.web.login import person, session_token
from invites.web.password_prompt import PasswordForm, ask_password, change, removal_warning
from invites.web.rate_limits import forget_guesses, limit_password_guesses
from invites.web.responses import json_error, show
from invites.web.services import now, services

blueprint = Blueprint("passkeys", __name__, url_prefix="/profile/two-step/passkeys")


class NewPasskeyForm(PasswordForm):
    name = StringField(_l("Name"), validators=[checked_by(text_fields.clean_name)])
    credential = HiddenField()


@blueprint.get("")
@allow(Who.LOGGED_IN)
def form() -> AnyResponse:
    words = user_agents.describe(request.user_agent.string)
    return _page(NewPasskeyForm(name=" · ".join(filter(None, words))))


@blueprint.post("/options")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def options() -> AnyResponse:
    """As JSON, for the browser's passkey API."""
    password, base_url = request.form.get("password", ""), services().settings.base_url
    try:
        asked = passkeys.registration_options(person(), password, base_url, now())
    except RuleError as refused:
        if refused.reason is not Reason.PASSWORD_WRONG:
            forget_guesses()
        return json_error(sentence(refused), status_of(refused.reason))
    return Response(asked, mimetype="application/json")


@blueprint.post("")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def add() -> AnyResponse:
    form = NewPasskeyForm()
    if not form.validate():
        return _page(form)
    typed = (form.name.data, form.password.data or "", form.credential.data or "")
    base_url = services().settings.base_url
    return change(
        form,
        _page,
        lambda: passkeys.register(person(), *typed, session_token(), base_url, now()),
        told=_("Passkey added. You can now log in with it."),
    )


@blueprint.get("/<int:passkey_id>/removal")
@allow(Who.LOGGED_IN)
def removal_form(passkey_id: int) -> AnyResponse:
    return _removal_page(PasswordForm(), passkey_id)


@blueprint.post("/<int:passkey_id>/removal")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def remove(passkey_id: int) -> AnyResponse:
    form = PasswordForm()
    return change(
        form,
        lambda form: _removal_page(form, passkey_id),
        lambda: passkeys.remove(person(), passkey_id, form.password.data or "", now()),
        told=_("Passkey removed."),
    )


def _removal_page(form: PasswordForm, passkey_id: int) -> AnyResponse:
    mine = passkeys.of(person())
    found = next((one for one in mine if one.id == passkey_id), None)
    if found is None:
        abort(404)
    return ask_password(
        form,
        title=_("Remove the passkey %(name)s?", name=found.name),
        meaning=_("You will no longer be able to log in with it. Delete it on your device too."),
        warning=removal_warning(
            is_last=len(mine) == 1 and not two_step.has_authenticator(person())
        ),
        button=_("Remove"),
        is_danger=True,
    )


def _page(form: PasswordForm) -> AnyResponse:
    return show("two_step/passkey.html", form=form, status=form.status)
