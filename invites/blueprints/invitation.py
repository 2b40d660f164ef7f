"""The page of a personal link, and the answer to the invitation."""

from dataclasses import dataclass

from flask import Blueprint, url_for
from werkzeug.wrappers import Response

from invites.authorization.authority import has_authority
from invites.core.errors import Reason, RuleError
from invites.members import answers, memberships
from invites.models import Invitation, InvitationStatus
from invites.people import profiles
from invites.web.access import Who, allow
from invites.web.after_login import after_join, welcome
from invites.web.error_status import status_of
from invites.web.form_limits import FORM
from invites.web.forms import JoinForm
from invites.web.login import renew, visitor
from invites.web.rate_limits import limit_joining
from invites.web.responses import go, show
from invites.web.services import links, now
from invites.web.urls import login_url

blueprint = Blueprint("invitation", __name__, url_prefix="/invitation/<token:token>")


@dataclass(frozen=True)
class Opened:
    """``proven``: opened with the mailed link, not a copied one."""

    invitation: Invitation
    token: str
    proven: bool


@blueprint.get("")
@allow(Who.ANYBODY)
def page(token: str) -> Response:
    """Changes nothing: programs that scan mail open every link."""
    opened = _opened(token)
    if isinstance(opened, Response):
        return opened
    return _for_person_with_profile(opened) or _page(opened, _form(opened.invitation.name))


@blueprint.post("/acceptance")
@allow(Who.ANYBODY, body=FORM)
@limit_joining
def accept(token: str) -> Response:
    opened = _opened(token)
    if isinstance(opened, Response):
        return opened
    who = visitor()
    if who is not None and who.user.email == opened.invitation.email:
        try:
            answers.accept(opened.invitation, who.user, now(), proven=opened.proven)
        except RuleError as refused:
            return _closed(opened.invitation, refused.reason)
        renew()
        return welcome(opened.invitation.account)
    return _for_person_with_profile(opened) or _accept_as_new(opened)


@blueprint.post("/refusal")
@allow(Who.ANYBODY, body=FORM)
def decline(token: str) -> Response:
    opened = _opened(token)
    if isinstance(opened, Response):
        return opened
    try:
        answers.decline(opened.invitation, now(), proven=opened.proven)
    except RuleError as refused:
        return _closed(opened.invitation, refused.reason)
    return show("invitation/declined.html", opened=opened)


def _opened(token: str) -> Opened | Response:
    """The open invitation, or a page that says why there is none."""
    found = links().opened_invitation(token)
    if found is None:
        return show("invitation/unknown.html", status=404)
    invitation, proven = found
    if not invitation.is_open(now()) or not has_authority(invitation):
        return _closed(invitation)
    return Opened(invitation, token, proven)


def _closed(invitation: Invitation, reason: Reason = Reason.INVITATION_CLOSED) -> Response:
    """For expired, revoked, answered and replaced invitations."""
    fresh = Invitation.get_by_id(invitation.id)
    status = fresh.status(now())
    if status is InvitationStatus.DECLINED and fresh.expires_at <= now():
        status = InvitationStatus.EXPIRED
    who = visitor()
    member = who is not None and memberships.find(invitation.account, who.user)
    return show(
        "invitation/closed.html",
        status=status_of(reason),
        account=invitation.account,
        inviter=invitation.inviter,
        invitation_status=status,
        is_member=bool(member and member.is_active),
    )


def _for_person_with_profile(opened: Opened) -> Response | None:
    """None if the person has no profile."""
    email = opened.invitation.email
    who = visitor()
    if who is None:
        if profiles.find(email) is None:
            return None
        return go(login_url(next_url=url_for("invitation.page", token=opened.token)))
    if who.user.email != email:
        return show("invitation/wrong_person.html", opened=opened, signed_in=who.user, status=403)
    if who.user.is_confirmed:
        return go(url_for("account_list.index", _anchor="invitations"))
    return show("invitation/answer.html", opened=opened)


def _accept_as_new(opened: Opened) -> Response:
    form = _form()
    if not form.validate():
        return _page(opened, form)
    invitation = opened.invitation
    try:
        profile = profiles.prepare(
            form.name.data, invitation.email, form.password.data or "", form.phone.data or ""
        )
        membership = answers.accept_as_new(invitation, profile, now(), proven=opened.proven)
    except RuleError as refused:
        if refused.reason in (Reason.INVITATION_CLOSED, Reason.INVITER_WITHOUT_AUTHORITY):
            return _closed(invitation, refused.reason)
        form.refuse(form.password, refused)
        return _page(opened, form)
    return after_join(membership, form)


def _form(name: str = "") -> JoinForm:
    """Has no address field: the invitation determines the address."""
    form = JoinForm(name=name)
    del form.email
    return form


def _page(opened: Opened, form: JoinForm) -> Response:
    return show("invitation/page.html", opened=opened, form=form, status=form.status)
