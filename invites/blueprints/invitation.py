"""The page of an invitation, opened with its link, and accepting or declining it."""

from flask import Blueprint, url_for
from werkzeug.wrappers import Response

from invites.core.addresses import is_same_mailbox
from invites.core.errors import Reason, RuleError
from invites.members import answers, memberships
from invites.members.links import OpenedInvitation
from invites.models import Invitation, InvitationStatus
from invites.people import confirmation, profiles
from invites.web.access import Who, allow
from invites.web.after_login import after_join, welcome
from invites.web.error_status import status_of
from invites.web.form_limits import FORM
from invites.web.forms import JoinForm
from invites.web.login import person, renew, visitor
from invites.web.password_prompt import PasswordForm
from invites.web.rate_limits import limit_joining, limit_password_guesses, was_wrong_password
from invites.web.responses import go, show
from invites.web.services import links, now
from invites.web.urls import login_url

blueprint = Blueprint("invitation", __name__, url_prefix="/invitation/<token:token>")


@blueprint.get("")
@allow(Who.ANYBODY)
def page(token: str) -> Response:
    """Changes nothing: programs that scan emails open every link."""
    opened = _opened(token)
    if isinstance(opened, Response):
        return opened
    who = visitor()
    if who is None or not is_same_mailbox(who.user.email, opened.invitation.email):
        return _for_somebody_else(opened) or _page(opened, _form(opened.invitation.name))
    if who.user.is_confirmed:
        return go(url_for("account_list.index", _anchor="invitations"))
    return _answer(opened, PasswordForm())


@blueprint.post("/acceptance")
@allow(Who.ANYBODY, body=FORM)
@limit_joining
def accept(token: str) -> Response:
    opened = _opened(token)
    if isinstance(opened, Response):
        return opened
    who = visitor()
    if who is None or not is_same_mailbox(who.user.email, opened.invitation.email):
        return _for_somebody_else(opened) or _accept_as_new(opened)
    if opened.proves_mailbox and not who.user.is_confirmed:
        return _accept_with_password(opened)
    try:
        membership = answers.accept(opened.invitation, who.user, now(), copier=opened.copier)
    except RuleError as refused:
        return _closed(opened, refused.reason)
    renew()
    return welcome(membership.account)


@blueprint.post("/refusal")
@allow(Who.ANYBODY, body=FORM)
def decline(token: str) -> Response:
    opened = _opened(token)
    if isinstance(opened, Response):
        return opened
    try:
        answers.decline(opened.invitation, now(), copier=opened.copier)
    except RuleError as refused:
        return _closed(opened, refused.reason)
    return show("invitation/declined.html", opened=opened)


def _opened(token: str) -> OpenedInvitation | Response:
    """The open invitation, or a page that says why it can't be accepted."""
    opened = links().opened_invitation(token)
    if opened is None:
        return show("invitation/unknown.html", status=404)
    reason = answers.refusal(opened.invitation, opened.copier, now())
    return opened if reason is None else _closed(opened, reason)


def _closed(opened: OpenedInvitation, reason: Reason) -> Response:
    """For expired, revoked, answered and replaced invitations, and closed copied links."""
    fresh = Invitation.get_by_id(opened.invitation.id)
    status = fresh.status(now())
    if status is InvitationStatus.DECLINED and fresh.expires_at <= now():
        status = InvitationStatus.EXPIRED
    account = opened.invitation.account
    who = visitor()
    member = who is not None and memberships.find(account, who.user)
    return show(
        "invitation/closed.html",
        status=status_of(reason),
        account=account,
        inviter=opened.invitation.inviter,
        proves_mailbox=opened.proves_mailbox,
        is_link_closed=reason is Reason.LINK_CLOSED,
        invitation_status=status,
        is_member=bool(member and member.is_active),
    )


def _for_somebody_else(opened: OpenedInvitation) -> Response | None:
    """For visitors who aren't logged in as the invited person. None if they may create a profile.

    With a copied link, the page doesn't reveal whether the address has a profile: a member could
    copy many links to find out.
    """
    if visitor() is not None:
        return show("invitation/wrong_person.html", opened=opened, status=403)
    if opened.proves_mailbox and profiles.find(opened.invitation.email) is not None:
        return go(login_url(next_url=url_for("invitation.page", token=opened.token)))
    return None


@limit_password_guesses
def _accept_with_password(opened: OpenedInvitation) -> Response:
    """Also confirms the address.

    Asks for the password, because another person may have created the profile with this address.
    """
    form = PasswordForm()
    try:
        checked = confirmation.check_password(person(), form.password.data or "")
        membership = answers.accept_and_confirm(opened.invitation, checked, now())
    except RuleError as refused:
        if not was_wrong_password(refused):
            return _closed(opened, refused.reason)
        form.refuse(form.password, refused)
        return _answer(opened, form)
    renew()
    return welcome(membership.account)


def _accept_as_new(opened: OpenedInvitation) -> Response:
    form = _form()
    if not form.validate():
        return _page(opened, form)
    invitation = opened.invitation
    try:
        profile = profiles.prepare(
            form.name.data, invitation.email, form.password.data or "", form.phone.data or ""
        )
        membership = answers.accept_as_new(invitation, profile, now(), copier=opened.copier)
    except RuleError as refused:
        if status_of(refused.reason) == status_of(Reason.INVITATION_CLOSED):
            return _closed(opened, refused.reason)
        form.refuse(form.password, refused)
        return _page(opened, form)
    return after_join(membership, form)


def _form(name: str = "") -> JoinForm:
    """Has no address field: the invitation determines the address."""
    form = JoinForm(name=name)
    del form.email
    return form


def _page(opened: OpenedInvitation, form: JoinForm) -> Response:
    return show("invitation/page.html", opened=opened, form=form, status=form.status)


def _answer(opened: OpenedInvitation, form: PasswordForm) -> Response:
    return show("invitation/answer.html", opened=opened, form=form, status=form.status)
