"""A person's own second step: what there is of it, and the recovery codes."""

from flask import Blueprint, Response, abort
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from invites.members import two_step_policy
from invites.people import passkeys, recovery_codes, totp, two_step
from invites.web.access import Who, allow
from invites.web.login import person
from invites.web.password_prompt import PasswordForm, ask_password, change, shown_codes
from invites.web.rate_limits import limit_password_guesses
from invites.web.responses import show
from invites.web.services import now, services

blueprint = Blueprint("two_step", __name__, url_prefix="/profile/two-step")


@blueprint.get("")
@allow(Who.LOGGED_IN)
def page() -> AnyResponse:
    """What there is, and what can be added."""
    found = totp.of(person()) if two_step.has_authenticator(person()) else None
    return show(
        "two_step/page.html",
        authenticator=found,
        passkeys=passkeys.of(person()),
        can_have_passkeys=passkeys.can_be_used(services().settings.base_url),
        codes=shown_codes(),
        codes_left=recovery_codes.left(person()),
        is_on=two_step.is_on(person()),
        asked_by=two_step_policy.asking(person()),
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
    return change(
        form,
        _codes_page,
        lambda: two_step.make_recovery_codes(person(), form.password.data or "", now()),
        told=_("These are your new recovery codes. The former ones don't work any more."),
    )


@blueprint.get("/recovery-codes.txt")
@allow(Who.LOGGED_IN)
def codes_file() -> AnyResponse:
    """The codes to keep, while they are shown."""
    codes = shown_codes()
    if not codes:
        abort(404)
    title = _(
        "Recovery codes of %(email)s for %(box)s. Each works once.",
        email=person().email,
        box=services().settings.box_name,
    )
    return Response(
        "\n".join((title, "", *codes, "")),
        mimetype="text/plain",
        headers={"Content-Disposition": "attachment; filename=recovery-codes.txt"},
    )


def _codes_page(form: PasswordForm) -> AnyResponse:
    return ask_password(
        form,
        title=_("Make new recovery codes"),
        meaning=_("The former ones stop working at once."),
        button=_("Make new codes"),
    )
