"""A person's own second step: their authenticator app, passkeys and recovery codes."""

from collections.abc import Callable

import segno
from flask import Blueprint, Response, abort, jsonify, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, PasswordField, StringField

from invites import (
    accounts,
    authenticators,
    devices,
    passkeys,
    recovery_codes,
    required_factor,
    second_factor,
    texts,
)
from invites.refusals import Reason, Refused
from invites.web.access import Who, allow
from invites.web.forms import PlainForm, checked_by
from invites.web.limits import limit_app_digits, limit_password_guesses
from invites.web.pages import go, show, tell
from invites.web.services import now, services
from invites.web.signin import person, session_token
from invites.web.words import sentence

blueprint = Blueprint("second_factor", __name__, url_prefix="/profile/second-step")


class PasswordForm(PlainForm):
    """Only whoever knows the password changes how one logs in (ASVS 5.0 7.5.1)."""

    password = PasswordField(_l("Your password"))


class DigitsForm(PlainForm):
    """What a new app shows."""

    code = StringField(_l("Six digits"))


class NewPasskeyForm(PasswordForm):
    """A passkey that the browser has made, with a name for its owner."""

    name = StringField(_l("Name"), validators=[checked_by(texts.clean_name)])
    credential = HiddenField()


@blueprint.get("")
@allow(Who.LOGGED_IN)
def page() -> AnyResponse:
    """What there is, and what can be added."""
    found = authenticators.of(person()) if second_factor.has_authenticator(person()) else None
    return show(
        "second_factor/page.html",
        authenticator=found,
        passkeys=passkeys.of(person()),
        can_have_passkeys=passkeys.can_be_used(services().settings.base_url),
        codes=recovery_codes.fresh(person(), services().signer, now()),
        codes_left=recovery_codes.left(person()),
        is_on=second_factor.is_on(person()),
        asked_by=[
            one.account.name
            for one in accounts.memberships_of(person())
            if required_factor.is_missing(one)
        ],
    )


@blueprint.get("/app")
@allow(Who.LOGGED_IN)
def app_form() -> AnyResponse:
    """Ask for the password, before an app is set up."""
    return _app_page(PasswordForm())


@blueprint.post("/app")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def offer_app() -> AnyResponse:
    """Make a key for an app."""
    form = PasswordForm()
    return _deed(
        form,
        _app_page,
        lambda: second_factor.offer_authenticator(person(), form.password.data or "", now()),
        then=url_for("second_factor.app_key"),
    )


@blueprint.get("/app/key")
@allow(Who.LOGGED_IN)
def app_key() -> AnyResponse:
    """The key as a picture, and where to type what the app makes of it."""
    return _key_page(DigitsForm())


@blueprint.post("/app/key")
@allow(Who.LOGGED_IN)
@limit_app_digits
def confirm_app() -> AnyResponse:
    """Ask for the app's digits from now on."""
    form = DigitsForm()
    try:
        second_factor.confirm_authenticator(
            person(), form.code.data or "", session_token(), services().signer, now()
        )
    except Refused as refused:
        if refused.reason not in (Reason.CODE_WRONG, Reason.NOT_FOUND):
            raise
        form.validate()
        form.refuse(form.code, refused)
        return _key_page(form)
    tell(_("Your app is set up. Keep the recovery codes below for when you lose it."))
    return go(url_for("second_factor.page"))


@blueprint.get("/app/removal")
@allow(Who.LOGGED_IN)
def app_removal_form() -> AnyResponse:
    """Ask for the password, before the app is removed."""
    return _app_removal_page(PasswordForm())


@blueprint.post("/app/removal")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def remove_app() -> AnyResponse:
    """Ask for digits no more."""
    form = PasswordForm()
    return _deed(
        form,
        _app_removal_page,
        lambda: second_factor.remove_authenticator(person(), form.password.data or "", now()),
        told=_("Your authenticator app is removed."),
    )


@blueprint.get("/recovery-codes")
@allow(Who.LOGGED_IN)
def codes_form() -> AnyResponse:
    """Ask for the password, before there are new codes."""
    return _codes_page(PasswordForm())


@blueprint.post("/recovery-codes")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def make_codes() -> AnyResponse:
    """Ten new codes."""
    form = PasswordForm()
    return _deed(
        form,
        _codes_page,
        lambda: second_factor.make_recovery_codes(person(), form.password.data or "", now()),
        told=_("These are your new recovery codes. The former ones don't work any more."),
    )


@blueprint.get("/recovery-codes.txt")
@allow(Who.LOGGED_IN)
def codes_file() -> AnyResponse:
    """The codes to keep, while they are shown."""
    codes = recovery_codes.fresh(person(), services().signer, now())
    if not codes:
        abort(404)
    title = _("Recovery codes of %(email)s for %(box)s. Each works once.", **_names())
    return Response(
        "\n".join((title, "", *codes, "")),
        mimetype="text/plain",
        headers={"Content-Disposition": "attachment; filename=recovery-codes.txt"},
    )


@blueprint.get("/passkeys")
@allow(Who.LOGGED_IN)
def passkey_form() -> AnyResponse:
    """A name and the password, before a passkey is made."""
    words = devices.words(request.user_agent.string)
    return _passkey_page(NewPasskeyForm(name=" · ".join(filter(None, words))))


@blueprint.post("/passkeys/options")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def passkey_options() -> AnyResponse:
    """What the browser needs to make a passkey, for its script."""
    password, base_url = request.form.get("password", ""), services().settings.base_url
    try:
        asked = passkeys.ask_for_new(person(), password, base_url, now())
    except Refused as refused:
        answer = jsonify(error=str(sentence(refused)))
        answer.status_code = 422
        return answer
    return Response(asked, mimetype="application/json")


@blueprint.post("/passkeys")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def add_passkey() -> AnyResponse:
    """Take the passkey that the browser made."""
    form = NewPasskeyForm()
    if not form.validate():
        return _passkey_page(form)
    typed = (form.name.data, form.password.data or "", form.credential.data or "")
    base_url = services().settings.base_url
    return _deed(
        form,
        _passkey_page,
        lambda: passkeys.add(person(), *typed, session_token(), base_url, now()),
        told=_("Your passkey is added. You can log in with it."),
    )


@blueprint.get("/passkeys/<int:passkey_id>/removal")
@allow(Who.LOGGED_IN)
def passkey_removal_form(passkey_id: int) -> AnyResponse:
    """Ask for the password, before a passkey is removed."""
    return _passkey_removal_page(PasswordForm(), passkey_id)


@blueprint.post("/passkeys/<int:passkey_id>/removal")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def remove_passkey(passkey_id: int) -> AnyResponse:
    """Log in with it no more."""
    form = PasswordForm()
    return _deed(
        form,
        lambda form: _passkey_removal_page(form, passkey_id),
        lambda: passkeys.remove(person(), passkey_id, form.password.data or "", now()),
        told=_("That passkey is removed."),
    )


def _deed(
    form: PasswordForm,
    page: Callable[[PasswordForm], AnyResponse],
    deed: Callable[[], None],
    *,
    told: str = "",
    then: str = "",
) -> AnyResponse:
    """Do it and lead on, or show its page again with what was wrong."""
    try:
        deed()
    except Refused as refused:
        if refused.reason is Reason.NOT_FOUND:
            raise
        form.validate()
        form.refuse(form.password, refused)
        return page(form)
    if told:
        tell(told)
    return go(then or url_for("second_factor.page"))


def _app_page(form: PasswordForm) -> AnyResponse:
    return _password_page(
        form,
        title=_("Set up an authenticator app"),
        meaning=_("When you log in, you type six digits that it shows. Have your phone at hand."),
        button=_("Go on"),
    )


def _app_removal_page(form: PasswordForm) -> AnyResponse:
    return _password_page(
        form,
        title=_("Remove your authenticator app?"),
        meaning=_("Nobody asks for its digits any more when you log in."),
        button=_("Remove"),
        is_danger=True,
    )


def _codes_page(form: PasswordForm) -> AnyResponse:
    return _password_page(
        form,
        title=_("Make new recovery codes"),
        meaning=_("The former ones stop working at once."),
        button=_("Make new codes"),
    )


def _passkey_removal_page(form: PasswordForm, passkey_id: int) -> AnyResponse:
    found = next((one for one in passkeys.of(person()) if one.id == passkey_id), None)
    if found is None:
        abort(404)
    return _password_page(
        form,
        title=_("Remove the passkey %(name)s?", name=found.name),
        meaning=_("It doesn't log you in any more. Delete it on your device, too."),
        button=_("Remove"),
        is_danger=True,
    )


def _password_page(
    form: PasswordForm, *, title: str, meaning: str, button: str, is_danger: bool = False
) -> AnyResponse:
    return show(
        "second_factor/password.html",
        form=form,
        title=title,
        meaning=meaning,
        button=button,
        is_danger=is_danger,
        status=422 if form.errors else 200,
    )


def _key_page(form: DigitsForm) -> AnyResponse:
    """The key while it is offered; then the page of what there is, as after a second press."""
    offered = authenticators.offered(person(), now())
    if offered is None:
        if not second_factor.has_authenticator(person()):
            tell(_("The key was shown for a quarter of an hour. Begin anew."), "problem")
        return go(url_for("second_factor.page"))
    address = authenticators.address(offered, services().signer, _names()["box"])
    return show(
        "second_factor/key.html",
        form=form,
        key=authenticators.typed_key(offered, services().signer),
        address=address,
        picture=_picture(address),
        status=422 if form.errors else 200,
    )


def _picture(address: str) -> Markup:
    """A QR code; on white in the dark, too, as cameras need it."""
    code = segno.make(address, micro=False)
    return Markup(code.svg_inline(omitsize=True, light="#fff", border=3))  # noqa: S704  # segno's


def _passkey_page(form: PasswordForm) -> AnyResponse:
    return show("second_factor/passkey.html", form=form, status=422 if form.errors else 200)


def _names() -> dict[str, str]:
    return {"email": person().email, "box": services().settings.base_url.partition("://")[2]}
