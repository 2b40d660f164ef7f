"""The members of an account: active and inactive, their roles."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import SelectField

from invites.authorization import authority
from invites.authorization.permissions import Action, authorize, grantable_roles
from invites.core.errors import RuleError
from invites.core.roles import Role
from invites.members import memberships, two_step_policy
from invites.members.account_invitations import Flag
from invites.models import Membership
from invites.web.access import allow, current
from invites.web.error_labels import REASON
from invites.web.error_links import with_link
from invites.web.form_limits import FORM
from invites.web.forms import PlainForm
from invites.web.htmx import wants_fragment
from invites.web.labels import ROLE
from invites.web.responses import answer_done, go, run_rule, show
from invites.web.services import now

blueprint = Blueprint("users", __name__, url_prefix="/accounts/<slug>/users")


class RoleForm(PlainForm):
    role = SelectField(_l("Role"), coerce=int)

    def offer_roles(self, membership: Membership) -> None:
        """Offers the roles that the acting member may grant, and disables impossible ones."""
        reasons = {
            role: memberships.why_not(membership, role)
            for role in grantable_roles(current().membership)
        }
        self.role.choices = [
            (int(role), str(ROLE[role]), {"disabled": reason is not None})
            for role, reason in reasons.items()
        ]
        self.role.description = " ".join({str(REASON[why]) for why in reasons.values() if why})


@blueprint.get("")
@allow(Action.SEE_PEOPLE)
def active() -> Response:
    return _list(active=True)


@blueprint.get("/inactive")
@allow(Action.SEE_PEOPLE)
def inactive() -> Response:
    return _list(active=False)


def _list(*, active: bool, status: int = 200) -> Response:
    search = request.args.get("search", "").strip()[:254]
    found = current().scope.members.page(
        request.args.get("page", 1, type=int), active=active, search=search
    )
    return show(
        "users/page.html",
        fragment="users/_user_list.html",
        found=found,
        search=search,
        active=active,
        status=status,
    )


@blueprint.get("/<int:membership_id>/edit")
@allow(Action.CHANGE_ROLE)
def edit(membership_id: int) -> Response:
    membership = current().scope.members.find(membership_id)
    authorize(current().membership, Action.CHANGE_ROLE, membership)
    return _editor(membership, _role_form(membership))


@blueprint.post("/<int:membership_id>/edit")
@allow(Action.CHANGE_ROLE, body=FORM)
def update(membership_id: int) -> Response:
    membership = current().scope.members.find(membership_id)
    form = RoleForm()
    form.offer_roles(membership)
    if not form.validate():
        form.role.errors = [_("Choose one of these roles.")]
        return _editor(membership, form)
    role = Role(form.role.data)
    try:
        memberships.change_role(current().membership, membership, role, now())
    except RuleError as refused:
        form.refuse(form.role, refused)
        return _editor(membership, form)
    changed = current().scope.members.find(membership_id)
    words = (
        _l("%(name)s will have the role %(role)s once they confirm their address.")
        if changed.is_role_waiting
        else _l("%(name)s now has the role %(role)s.")
    )
    message = str(words % {"name": membership.user.name, "role": ROLE[role]})
    return answer_done(
        message + _consequences(membership),
        lambda _status: _row(membership),
        go_to=url_for("users.active"),
    )


@blueprint.post("/<int:membership_id>/confirmation")
@allow(Action.CHANGE_ROLE, body=FORM)
def resend_confirmation(membership_id: int) -> Response:
    """At most five an hour to one address, see ``email_tokens``."""
    membership = current().scope.members.find(membership_id)
    return run_rule(
        lambda: memberships.resend_confirmation(current().membership, membership, now()),
        lambda status: _editor(membership, _role_form(membership), status),
        told=lambda _none: _("Confirmation email sent to %(email)s.", email=membership.user.email),
        go_to=url_for("users.edit", membership_id=membership_id),
    )


@blueprint.get("/<int:membership_id>")
@allow(Action.SEE_PEOPLE)
def row(membership_id: int) -> Response:
    membership = current().scope.members.find(membership_id)
    page = "users.active" if membership.is_active else "users.inactive"
    return _row(membership) if wants_fragment() else go(url_for(page))


@blueprint.post("/<int:membership_id>/deactivation")
@allow(Action.REMOVE_MEMBER, body=FORM)
def deactivate(membership_id: int) -> Response:
    undo = url_for("users.reactivate", membership_id=membership_id)
    return _change(memberships.deactivate, membership_id, _l("%(name)s is now inactive."), undo)


@blueprint.post("/<int:membership_id>/reactivation")
@allow(Action.REMOVE_MEMBER, body=FORM)
def reactivate(membership_id: int) -> Response:
    return _change(memberships.reactivate, membership_id, _l("%(name)s is active again."))


def _change(
    rule: Callable[[Membership, Membership, datetime], None],
    membership_id: int,
    told: LazyString,
    undo: str = "",
) -> Response:
    membership = current().scope.members.find(membership_id)

    def show_result(status: int) -> Response:
        if wants_fragment():
            return _row(membership, status=status)
        return _list(active=membership.is_active, status=status)

    return run_rule(
        lambda: rule(current().membership, membership, now()),
        show_result,
        told=lambda _none: str(told % {"name": membership.user.name}) + _consequences(membership),
        go_to=url_for("users.active"),
        undo=undo if membership.id != current().membership.id else "",
    )


def _consequences(before: Membership) -> str:
    """What the member, or people they invited, can't do after the change."""
    return _missing_two_step(current().scope.members.find(before.id)) + _lost_invitations(before)


def _missing_two_step(membership: Membership) -> str:
    if not (membership.is_active and two_step_policy.must_set_up(membership)):
        return ""
    words = _("They must set up two-step verification before they can see this account.")
    return f" {words}"


def _lost_invitations(membership: Membership) -> str:
    number = authority.count_without_authority(membership, now())
    if not number:
        return ""
    words = ngettext(
        "%(num)s invitation they sent can no longer be accepted.",
        "%(num)s invitations they sent can no longer be accepted.",
        number,
    )
    url = url_for("invitations.index", status=Flag.NO_AUTHORITY)
    return Markup(" ") + with_link(words, url, _("Show invitations"))


def _role_form(membership: Membership) -> RoleForm:
    form = RoleForm(formdata=None, role=int(membership.role))
    form.offer_roles(membership)
    return form


def _editor(membership: Membership, form: RoleForm, status: int | None = None) -> Response:
    return show(
        "users/edit.html",
        fragment="users/_user_editor.html",
        membership=membership,
        form=form,
        status=status or form.status,
    )


def _row(before: Membership, *, status: int = 200) -> Response:
    return show(
        "users/_user.html", membership=current().scope.members.find(before.id), status=status
    )
