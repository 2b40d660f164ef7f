"""Active and Inactive: the people of an account, their roles, coming and going."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, request, url_for
from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectField

from invites.authorization import authority
from invites.authorization.permissions import Action, authorize, grantable_roles
from invites.core.errors import RuleError
from invites.core.roles import Role
from invites.members import memberships, two_step_policy
from invites.models import Membership
from invites.web.access import allow, current
from invites.web.error_labels import sentence
from invites.web.forms import PlainForm
from invites.web.htmx import wants_fragment
from invites.web.labels import ROLE
from invites.web.responses import go, show, tell
from invites.web.services import now

blueprint = Blueprint("users", __name__, url_prefix="/accounts/<slug>/users")


class RoleForm(PlainForm):
    """A member's role."""

    role = SelectField(_l("Role"), coerce=int)

    def offer_roles(self) -> None:
        """Offer what the acting member may grant."""
        roles = grantable_roles(current().membership)
        self.role.choices = [(int(role), str(ROLE[role])) for role in roles]


@blueprint.get("")
@allow(Action.SEE_PEOPLE)
def active() -> Response:
    """People who belong."""
    return _list(active=True)


@blueprint.get("/inactive")
@allow(Action.SEE_PEOPLE)
def inactive() -> Response:
    """People who were removed."""
    return _list(active=False)


def _list(*, active: bool) -> Response:
    search = request.args.get("search", "").strip()[:254]
    found = current().scope.members(
        active=active, search=search, page=request.args.get("page", 1, type=int)
    )
    return show(
        "users/page.html",
        fragment="users/_user_list.html",
        found=found,
        search=search,
        active=active,
    )


@blueprint.get("/<int:membership_id>/edit")
@allow(Action.CHANGE_ROLE)
def edit(membership_id: int) -> Response:
    """The role drop-down of one member."""
    membership = current().scope.membership(membership_id)
    authorize(current().membership, Action.CHANGE_ROLE, membership)
    form = RoleForm(role=int(membership.role))
    form.offer_roles()
    return _editor(membership, form)


@blueprint.post("/<int:membership_id>/edit")
@allow(Action.CHANGE_ROLE)
def update(membership_id: int) -> Response:
    """Give the member another role."""
    membership = current().scope.membership(membership_id)
    form = RoleForm()
    form.offer_roles()
    if not form.validate():
        form.role.errors = [_("Choose one of these roles.")]
        return _editor(membership, form, status=422)
    try:
        memberships.change_role(current().membership, membership, Role(form.role.data), now())
    except RuleError as refused:
        form.refuse(form.role, refused)
        return _editor(membership, form, status=422)
    told = _(
        "%(name)s is %(role)s now.", name=membership.user.name, role=ROLE[Role(form.role.data)]
    )
    return _row(membership, told=told + _and_then(membership))


@blueprint.get("/<int:membership_id>")
@allow(Action.SEE_PEOPLE)
def row(membership_id: int) -> Response:
    """One member's row, when editing is given up."""
    return _row(current().scope.membership(membership_id))


@blueprint.post("/<int:membership_id>/deactivation")
@allow(Action.REMOVE_MEMBER)
def deactivate(membership_id: int) -> Response:
    """Take the member out."""
    return _do(memberships.deactivate, membership_id, _l("%(name)s is inactive now."))


@blueprint.post("/<int:membership_id>/reactivation")
@allow(Action.REMOVE_MEMBER)
def reactivate(membership_id: int) -> Response:
    """Bring the member back."""
    return _do(memberships.reactivate, membership_id, _l("%(name)s is active again."))


def _do(
    action: Callable[[Membership, Membership, datetime], None], membership_id: int, told: LazyString
) -> Response:
    """Do something to one member, and show how they stand then."""
    membership = current().scope.membership(membership_id)
    try:
        action(current().membership, membership, now())
    except RuleError as refused:
        return _row(membership, problem=sentence(refused))
    sentences = str(told % {"name": membership.user.name}) + _and_then(membership)
    return _row(membership, told=sentences)


def _and_then(before: Membership) -> str:
    """More sentences when they can't go on as they are."""
    return _what_they_lack(current().scope.membership(before.id)) + _what_they_sent(before)


def _what_they_lack(membership: Membership) -> str:
    """One more sentence when the account asks for a second step that they don't have."""
    if not (membership.is_active and two_step_policy.is_missing(membership)):
        return ""
    words = _("They have to set up a second step first, and see nothing of the account until then.")
    return f" {words}"


def _what_they_sent(membership: Membership) -> str:
    """One more sentence when invitations of theirs hold no longer."""
    number = authority.count_without_authority(membership, now())
    if not number:
        return ""
    words = ngettext(
        "%(n)s invitation that they sent can't be accepted now: see Invitations.",
        "%(n)s invitations that they sent can't be accepted now: see Invitations.",
        number,
        n=number,
    )
    return f" {words}"


def _editor(membership: Membership, form: RoleForm, *, status: int = 200) -> Response:
    return show(
        "users/edit.html",
        fragment="users/_user_editor.html",
        membership=membership,
        form=form,
        status=status,
    )


def _row(before: Membership, *, told: str = "", problem: str = "") -> Response:
    """The row as it is now for htmx, the list for everybody else."""
    if not wants_fragment():
        if told or problem:
            tell(problem or told, "problem" if problem else "done")
        return go(url_for("users.active" if before.is_active else "users.inactive"))
    return show(
        "users/_user.html",
        membership=current().scope.membership(before.id),
        told=told,
        problem=problem,
        status=422 if problem else 200,
    )
