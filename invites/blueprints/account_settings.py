"""An account's settings, its two-step policy, and a preview of its invitation emails."""

from flask import Blueprint, Response, abort, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import EmailField, SelectField, StringField, URLField
from wtforms.validators import Optional

from invites.authorization.permissions import Action
from invites.core import addresses, text_fields
from invites.core.roles import Role
from invites.invitations import quotas, send_invitations
from invites.mail.rendering import PersonalLinks, invitation_parts
from invites.members import accounts, two_step_policy
from invites.members.accounts import AccountSettings
from invites.models import Invitation
from invites.web.access import allow, current
from invites.web.form_limits import FORM
from invites.web.forms import PlainForm, checked_by
from invites.web.responses import go, run_rule, show, tell
from invites.web.security_headers import MAIL_PREVIEW, page_policy
from invites.web.services import links, now

blueprint = Blueprint("account_settings", __name__, url_prefix="/accounts/<slug>/settings")

_PREVIEWS = {"new": False, "known": True}


class SettingsForm(PlainForm):
    name = StringField(_l("Organization"), validators=[checked_by(text_fields.clean_name)])
    purpose = StringField(
        _l("What people are invited to do"), validators=[checked_by(text_fields.clean_phrase)]
    )
    assignments_url = URLField(
        _l("Assignments link"), validators=[checked_by(text_fields.clean_url)]
    )
    assignments_label = StringField(
        _l("Text of the assignments link"), validators=[checked_by(text_fields.clean_label)]
    )
    reply_to = EmailField(
        _l("Replies go to"), validators=[Optional(), checked_by(addresses.canonical)]
    )
    time_zone = SelectField(
        _l("Time zone"),
        choices=text_fields.TIME_ZONES,
        validate_choice=False,
        validators=[checked_by(text_fields.clean_time_zone)],
    )
    moderator_limit = StringField(
        _l("Invitations per day for each Moderator"),
        validators=[checked_by(quotas.clean_moderator_limit)],
    )


@blueprint.get("")
@allow(Action.CHANGE_SETTINGS)
def page() -> AnyResponse:
    return _page(SettingsForm(obj=current().account))


@blueprint.post("")
@allow(Action.CHANGE_SETTINGS, body=FORM)
def update() -> AnyResponse:
    form = SettingsForm()
    if not form.validate():
        return _page(form, status=form.status)
    typed = {name: value or "" for name, value in form.data.items() if name != "csrf_token"}
    accounts.change_settings(current().membership, AccountSettings(**typed), now())
    tell(_("Settings saved."))
    return go(url_for("account_settings.page"))


@blueprint.post("/two-step")
@allow(Action.CHANGE_SETTINGS, body=FORM)
def require_two_step() -> AnyResponse:
    required = request.form.get("required") == "1"
    told = (
        _("Two-step verification is now required.")
        if required
        else _("Two-step verification is now optional.")
    )
    return run_rule(
        lambda: two_step_policy.require(current().membership, required, now()),
        lambda status: _page(
            SettingsForm(formdata=None, obj=current().account),
            fragment="account_settings/_two_step.html",
            status=status,
        ),
        told=lambda _none: told,
        go_to=url_for("account_settings.page", _anchor="two-step"),
    )


@blueprint.get("/mails/<kind>")
@allow(Action.CHANGE_SETTINGS)
def mail(kind: str) -> AnyResponse:
    if kind not in _PREVIEWS:
        abort(404)
    account = current().account
    example = Invitation(
        account=account,
        inviter=current().membership.user,
        role=Role.USER,
        expires_at=now() + send_invitations.LIFETIME,
    )
    example_links = PersonalLinks(links().account(account), links().account(account))
    parts = invitation_parts(example, example_links, links(), has_profile=_PREVIEWS[kind])
    return Response(parts.html, headers={"Content-Security-Policy": MAIL_PREVIEW})


def _page(form: SettingsForm, *, fragment: str = "", status: int = 200) -> AnyResponse:
    response = show(
        "account_settings/page.html",
        fragment=fragment,
        form=form,
        without_two_step=two_step_policy.members_without(current().account),
        status=status,
    )
    response.headers["Content-Security-Policy"] = page_policy(frame_src="'self'")
    return response
