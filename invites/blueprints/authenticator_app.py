"""Setting up and removing one's authenticator app."""

import segno
from flask import Blueprint, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from invites.core.errors import Reason, RuleError
from invites.models import Authenticator
from invites.people import totp, two_step
from invites.web.access import Who, allow
from invites.web.forms import PlainForm
from invites.web.login import person, session_token
from invites.web.password_prompt import (
    PasswordForm,
    ask_password,
    change,
    showing_new_codes,
    what_stays_closed,
)
from invites.web.rate_limits import limit_app_digits, limit_password_guesses
from invites.web.responses import go, show, tell
from invites.web.services import now, services

blueprint = Blueprint("authenticator_app", __name__, url_prefix="/profile/two-step/app")

_OFFERED = "offered"  # in the visitor's cookie: when the key was made that they may see


class DigitsForm(PlainForm):
    """What a new app shows."""

    code = StringField(_l("Six digits"))


@blueprint.get("")
@allow(Who.LOGGED_IN)
def form() -> Response:
    """Ask for the password, before an app is set up."""
    return _password_page(PasswordForm())


@blueprint.post("")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def offer() -> Response:
    """Make a key for an app."""
    form = PasswordForm()
    return change(
        form,
        _password_page,
        lambda: _offer(form.password.data or ""),
        then=url_for("authenticator_app.key"),
    )


@blueprint.get("/key")
@allow(Who.LOGGED_IN)
def key() -> Response:
    """The key as a picture, and where to type what the app makes of it."""
    return _key_page(DigitsForm())


@blueprint.post("/key")
@allow(Who.LOGGED_IN)
@limit_app_digits
def confirm() -> Response:
    """Ask for the app's digits from now on."""
    form = DigitsForm()
    if _offered_here() is None:
        return _key_page(form)
    try:
        with showing_new_codes():
            two_step.confirm_authenticator(
                person(), form.code.data or "", session_token(), services().signer, now()
            )
    except RuleError as refused:
        if refused.reason not in (Reason.CODE_WRONG, Reason.NOT_FOUND):
            raise
        form.validate()
        form.refuse(form.code, refused)
        return _key_page(form)
    tell(_("Your app is set up. Keep the recovery codes below for when you lose it."))
    return go(url_for("two_step.page"))


@blueprint.get("/removal")
@allow(Who.LOGGED_IN)
def removal_form() -> Response:
    """Ask for the password, before the app is removed."""
    return _removal_page(PasswordForm())


@blueprint.post("/removal")
@allow(Who.LOGGED_IN)
@limit_password_guesses
def remove() -> Response:
    """Ask for digits no more."""
    form = PasswordForm()
    return change(
        form,
        _removal_page,
        lambda: two_step.remove_authenticator(person(), form.password.data or "", now()),
        told=_("Your authenticator app is removed."),
    )


def _offer(password: str) -> None:
    """Make a key, and let this browser, and no other, see it and set it up."""
    two_step.offer_authenticator(person(), password, now())
    offered = totp.offered(person(), now())
    session[_OFFERED] = offered.created_at.isoformat() if offered else ""


def _offered_here() -> Authenticator | None:
    """The app that waits for its digits, if its key was made in this browser."""
    offered = totp.offered(person(), now())
    if offered is None or session.get(_OFFERED) != offered.created_at.isoformat():
        return None
    return offered


def _password_page(form: PasswordForm) -> Response:
    return ask_password(
        form,
        title=_("Set up an authenticator app"),
        meaning=_("When you log in, you type six digits that it shows. Have your phone at hand."),
        button=_("Go on"),
    )


def _removal_page(form: PasswordForm) -> Response:
    return ask_password(
        form,
        title=_("Remove your authenticator app?"),
        meaning=_("Nobody asks for its digits any more when you log in."),
        warning=what_stays_closed(is_last=not two_step.has_passkey(person())),
        button=_("Remove"),
        is_danger=True,
    )


def _key_page(form: DigitsForm) -> Response:
    """The key while it is offered; then the page of what there is, as after a second press."""
    offered = _offered_here()
    if offered is None:
        if not two_step.has_authenticator(person()):
            words = _("A key is shown for a quarter of an hour, where it was made. Begin anew.")
            tell(words, "problem")
        return go(url_for("two_step.page"))
    address = totp.address(offered, services().signer, services().settings.box_name)
    return show(
        "two_step/key.html",
        form=form,
        key=totp.typed_key(offered, services().signer),
        address=address,
        picture=_picture(address),
        status=form.status,
    )


def _picture(address: str) -> str:
    """A QR code as a data: address; on white in the dark, too, as cameras need it."""
    code = segno.make(address, micro=False)
    return str(code.svg_data_uri(omitsize=True, light="#fff", border=3))
