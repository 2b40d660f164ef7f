"""A person's own two-step verification: overview, recovery codes, authenticator app."""

from flask import Blueprint, Response, abort, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from invites.core.errors import Reason, RuleError
from invites.members import two_step_policy
from invites.models import Authenticator
from invites.people import passkeys, recovery_codes, totp, two_step
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from invites.web.forms import PlainForm
from invites.web.login import person, session_token
from invites.web.password_prompt import (
    change_with_password,
    removal_warning,
    showing_new_codes,
    shown_codes,
)
from invites.web.rate_limits import limit_app_digits, limit_password_guesses
from invites.web.responses import go, show, tell
from invites.web.services import now, services

blueprint = Blueprint("two_step", __name__, url_prefix="/profile/two-step")

_OFFERED = "offered"  # in the session cookie: the creation time of a key that may be shown


class DigitsForm(PlainForm):
    code = StringField(_l("Six-digit code"))


@blueprint.get("")
@allow(Who.LOGGED_IN)
def page() -> AnyResponse:
    found = totp.of(person()) if two_step.has_authenticator(person()) else None
    return show(
        "two_step/page.html",
        authenticator=found,
        passkeys=passkeys.of(person()),
        can_have_passkeys=passkeys.are_possible(services().settings.base_url),
        codes=shown_codes(),
        codes_left=recovery_codes.count_unused(person()),
        is_on=two_step.is_on(person()),
        asked_by=two_step_policy.requiring_accounts(person()),
    )


@blueprint.route("/recovery-codes", methods=["GET", "POST"])
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def make_codes() -> AnyResponse:
    return change_with_password(
        lambda password: two_step.make_recovery_codes(person(), password, now()),
        told=_("These are your new recovery codes. The old ones no longer work."),
        title=_("Create new recovery codes"),
        meaning=_("Your old codes stop working at once."),
        button=_("Create new codes"),
    )


@blueprint.get("/recovery-codes.txt")
@allow(Who.LOGGED_IN)
def codes_file() -> AnyResponse:
    codes = shown_codes()
    if not codes:
        abort(404)
    title = _(
        "Recovery codes of %(email)s for %(site)s. Each code works once.",
        email=person().email,
        site=services().settings.site_name,
    )
    return Response(
        "\n".join((title, "", *codes, "")),
        mimetype="text/plain",
        headers={"Content-Disposition": "attachment; filename=recovery-codes.txt"},
    )


@blueprint.route("/app", methods=["GET", "POST"])
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def offer_app() -> AnyResponse:
    return change_with_password(
        _offer,
        then=url_for("two_step.app_key"),
        title=_("Set up an authenticator app"),
        meaning=_("When you log in, you will enter a code from this app. Have your phone ready."),
        button=_("Continue"),
    )


@blueprint.route("/app/key", methods=["GET", "POST"])
@allow(Who.LOGGED_IN, body=FORM)
@limit_app_digits
def app_key() -> AnyResponse:
    """A right code confirms the app. From then on, logging in requires two-step verification."""
    form = DigitsForm()
    if request.method != "POST" or _offered_here() is None:
        return _key_page(form)
    try:
        with showing_new_codes():
            two_step.confirm_authenticator(
                person(), form.code.data or "", session_token(), services().signer, now()
            )
    except RuleError as refused:
        if refused.reason not in (Reason.CODE_WRONG, Reason.NOT_FOUND):
            raise
        form.refuse(form.code, refused)
        return _key_page(form)
    tell(_("Your authenticator app is set up. Save the recovery codes below in case you lose it."))
    return go(url_for("two_step.page"))


@blueprint.route("/app/removal", methods=["GET", "POST"])
@allow(Who.LOGGED_IN, body=FORM)
@limit_password_guesses
def remove_app() -> AnyResponse:
    return change_with_password(
        lambda password: two_step.remove_authenticator(person(), password, now()),
        told=_("Authenticator app removed."),
        title=_("Remove your authenticator app?"),
        meaning=_("You will no longer need its codes to log in."),
        warning=removal_warning(is_last=not two_step.has_passkey(person())),
        button=_("Remove"),
        is_danger=True,
    )


def _offer(password: str) -> None:
    """Creates a key that only this browser may see and confirm."""
    two_step.start_authenticator(person(), password, now())
    offered = totp.unconfirmed(person(), now())
    session[_OFFERED] = offered.created_at.isoformat() if offered else ""


def _offered_here() -> Authenticator | None:
    """The unconfirmed app, if its key was created in this browser."""
    offered = totp.unconfirmed(person(), now())
    if offered is None or session.get(_OFFERED) != offered.created_at.isoformat():
        return None
    return offered


def _key_page(form: DigitsForm) -> AnyResponse:
    """Redirects to the overview if no key is offered."""
    offered = _offered_here()
    if offered is None:
        if not two_step.has_authenticator(person()):
            words = _(
                "This key has expired: it is shown for 15 minutes, only in the browser "
                "where it was created. Start again."
            )
            tell(words, "problem")
        return go(url_for("two_step.page"))
    address = totp.provisioning_uri(offered, services().signer, services().settings.site_name)
    return show(
        "two_step/key.html",
        form=form,
        key=totp.key_to_type(offered, services().signer),
        address=address,
        picture=_picture(address),
        status=form.status,
    )


def _picture(address: str) -> str:
    """A QR code as a data: URL. Always on white, which cameras need."""
    import segno

    code = segno.make(address, micro=False)
    return str(code.svg_data_uri(omitsize=True, light="#fff", border=3))
