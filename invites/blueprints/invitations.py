"""The list of invitations, and resending, revoking, restoring and copying one."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from invites.authorization import authority
from invites.authorization.permissions import Action, authorize
from invites.invitations import manage
from invites.lists.email_field import format_entry
from invites.members import permanent_link
from invites.members.account_invitations import Flag
from invites.models import Invitation, InvitationStatus, Membership
from invites.web.access import allow, current
from invites.web.compose_form import compose_page, prefilled_form
from invites.web.form_limits import FORM
from invites.web.htmx import wants_fragment
from invites.web.responses import go, run_rule, show
from invites.web.services import links, now

blueprint = Blueprint("invitations", __name__, url_prefix="/accounts/<slug>/invitations")

_WHICH: dict[str, InvitationStatus | Flag] = {
    which.value: which for which in (*InvitationStatus, *Flag)
}


@blueprint.get("")
@allow(Action.SEE_PEOPLE)
def index() -> Response:
    return _list()


@blueprint.get("/<int:invitation_id>")
@allow(Action.SEE_PEOPLE)
def row(invitation_id: int) -> Response:
    """The row polls this until its resent message has been sent."""
    invitation = current().scope.invitations.find(invitation_id)
    if not wants_fragment():
        return go(url_for("invitations.index"))
    listed = current().scope.invitations.listed(invitation, now())
    return show("invitations/_invitation.html", is_row=True, listed=listed)


@blueprint.post("/<int:invitation_id>/resend")
@allow(Action.MANAGE_INVITATION, body=FORM)
def resend(invitation_id: int) -> Response:
    return _change(
        manage.resend,
        invitation_id,
        lambda one: _("Invitation resent to %(email)s.", email=one.email),
    )


@blueprint.post("/<int:invitation_id>/revocation")
@allow(Action.MANAGE_INVITATION, body=FORM)
def revoke(invitation_id: int) -> Response:
    return _change(
        manage.revoke,
        invitation_id,
        lambda one: _("Revoked. %(email)s can no longer accept this invitation.", email=one.email),
    )


@blueprint.post("/<int:invitation_id>/restoration")
@allow(Action.MANAGE_INVITATION, body=FORM)
def restore(invitation_id: int) -> Response:
    return _change(manage.restore, invitation_id, _restored)


@blueprint.get("/<int:invitation_id>/link")
@allow(Action.MANAGE_INVITATION)
def link(invitation_id: int) -> Response:
    invitation = current().scope.invitations.find(invitation_id)
    manage.check_copyable(current().membership, invitation)
    return show(
        "invitations/link.html",
        fragment="invitations/_invitation.html",
        listed=current().scope.invitations.listed(invitation, now()),
        url=links().copied_invitation(invitation, current().membership),
    )


@blueprint.get("/<int:invitation_id>/corrected")
@allow(Action.INVITE)
def correct(invitation_id: int) -> Response:
    """Opens New Invitation with this person in the Email field."""
    invitation = current().scope.invitations.find(invitation_id)
    authorize(current().membership, Action.MANAGE_INVITATION, invitation)
    text = format_entry(invitation.email, invitation.name)
    return compose_page(prefilled_form(text, invitation.role, invitation))


def _change(
    rule: Callable[[Membership, Invitation, datetime], None],
    invitation_id: int,
    told: Callable[[Invitation], str],
) -> Response:
    scope = current().scope

    def show_result(status: int) -> Response:
        return _row(invitation_id, status) if wants_fragment() else _list(status)

    return run_rule(
        lambda: rule(current().membership, scope.invitations.find(invitation_id), now()),
        show_result,
        told=lambda _none: told(scope.invitations.find(invitation_id)),
        go_to=url_for("invitations.index"),
    )


def _restored(invitation: Invitation) -> str:
    """The message after undoing a revocation. It warns if the person still can't join."""
    if invitation.status(now()) is InvitationStatus.EXPIRED:
        words = _l("Invitation restored, but it has expired. Resend it so that %(email)s can join.")
    elif not invitation.is_open(now()):
        words = _l("Invitation restored. %(email)s had declined it, and it has since expired.")
    elif not authority.has_authority(invitation):
        words = _l(
            "Invitation restored, but its sender can no longer invite people. "
            "Resend it so that %(email)s can join."
        )
    else:
        words = _l("Invitation restored. %(email)s can join again.")
    return str(words % {"email": invitation.email})


def _list(status: int = 200) -> Response:
    scope = current().scope
    which, search = _filter()
    link = None if wants_fragment() else permanent_link.active(current().account)
    return show(
        "invitations/page.html",
        fragment="invitations/_invitation_list.html",
        found=scope.invitations.page(
            request.args.get("page", 1, type=int), which=which, search=search, now=now()
        ),
        search=search,
        chosen=which or "",
        totals=scope.invitations.totals(now()),
        flags=scope.invitations.flag_totals(now()),
        permanent_url=links().permanent(link) if link else None,
        status=status,
    )


def _row(invitation_id: int, status: int) -> Response:
    """The row, and the counts of the filters above the list."""
    scope = current().scope
    which, search = _filter()
    return show(
        "invitations/_invitation.html",
        is_row=True,
        listed=scope.invitations.listed(scope.invitations.find(invitation_id), now()),
        search=search,
        chosen=which or "",
        totals=scope.invitations.totals(now()),
        flags=scope.invitations.flag_totals(now()),
        status=status,
    )


def _filter() -> tuple[InvitationStatus | Flag | None, str]:
    which = _WHICH.get(request.values.get("status", ""))
    return which, request.values.get("search", "").strip()[:254]
