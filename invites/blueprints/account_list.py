"""A person's accounts and invitations, and adding an account."""

from flask import Blueprint, abort, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from invites.core import text_fields
from invites.members import accounts, answers
from invites.models import Invitation
from invites.people import confirmation
from invites.web.access import Who, allow
from invites.web.form_limits import FORM
from invites.web.forms import PlainForm, checked_by
from invites.web.login import person, renew
from invites.web.responses import go, run_rule, show, tell
from invites.web.services import now

blueprint = Blueprint("account_list", __name__, url_prefix="/accounts")


class AccountForm(PlainForm):
    name = StringField(_l("Organization"), validators=[checked_by(text_fields.clean_name)])


@blueprint.get("")
@allow(Who.LOGGED_IN)
def index() -> Response:
    return _page()


@blueprint.route("/new", methods=["GET", "POST"])
@allow(Who.INSTALLER, body=FORM)
def create() -> Response:
    form = AccountForm()
    if not form.validate_on_submit():
        return show("account_list/new.html", form=form, status=form.status)
    account = accounts.create_by_installer(form.name.data, person(), now())
    tell(_("%(account)s has been added. You can now invite people.", account=account.name))
    return go(url_for("compose.form", slug=account.slug))


@blueprint.post("/invitations/<int:invitation_id>/acceptance")
@allow(Who.LOGGED_IN, body=FORM)
def accept(invitation_id: int) -> Response:
    invitation = _own_invitation(invitation_id)

    def join() -> None:
        answers.accept(invitation, person(), now())
        renew()

    return run_rule(
        join,
        _page,
        told=lambda _none: _("Welcome to %(account)s.", account=invitation.account.name),
        go_to=url_for("account_home.page", slug=invitation.account.slug),
        has_fragment=False,
    )


@blueprint.post("/invitations/<int:invitation_id>/refusal")
@allow(Who.LOGGED_IN, body=FORM)
def decline(invitation_id: int) -> Response:
    invitation = _own_invitation(invitation_id)
    account = invitation.account.name
    return run_rule(
        lambda: answers.decline(invitation, now()),
        _page,
        told=lambda _none: _("You declined the invitation to %(account)s.", account=account),
        go_to=url_for("account_list.index"),
        has_fragment=False,
    )


@blueprint.post("/confirmation")
@allow(Who.LOGGED_IN, body=FORM)
def confirm() -> Response:
    email = person().email
    if person().is_confirmed:
        tell(_("%(email)s is already confirmed.", email=email))
        return go(url_for("account_list.index"))
    return run_rule(
        lambda: confirmation.send_link(person(), now()),
        _page,
        told=lambda _none: _("We sent a confirmation email to %(email)s.", email=email),
        go_to=url_for("account_list.index"),
        has_fragment=False,
    )


def _page(status: int = 200) -> Response:
    return show(
        "account_list/page.html",
        invitations=answers.open_invitations(person(), now()),
        left=accounts.former_accounts(person()),
        status=status,
    )


def _own_invitation(invitation_id: int) -> Invitation:
    """Aborts with 404 unless the invitation is to the person's confirmed address."""
    invitation = answers.find(invitation_id, person())
    if invitation is None:
        abort(404)
    return invitation
