"""The accounts of a person, the invitations that wait for them, and adding an account."""

from flask import Blueprint, abort, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from invites.core import text_fields
from invites.core.errors import RuleError
from invites.members import accounts, answers
from invites.models import EmailTokenPurpose, Invitation
from invites.people import email_tokens
from invites.web.access import Who, allow
from invites.web.error_labels import sentence
from invites.web.forms import PlainForm, checked_by
from invites.web.login import person, renew
from invites.web.responses import go, show, tell
from invites.web.services import now

blueprint = Blueprint("account_list", __name__, url_prefix="/accounts")


class AccountForm(PlainForm):
    """A new account's name."""

    name = StringField(_l("Organization"), validators=[checked_by(text_fields.clean_name)])


@blueprint.get("")
@allow(Who.LOGGED_IN)
def index() -> Response:
    """All organizations of the person, and at the bottom what they are invited to."""
    return show(
        "account_list/page.html",
        invitations=answers.open_invitations(person(), now()),
        left=accounts.left_by(person()),
    )


@blueprint.get("/new")
@allow(Who.INSTALLER)
def form() -> Response:
    """Where the installer names a new account."""
    return show("account_list/new.html", form=AccountForm())


@blueprint.post("/new")
@allow(Who.INSTALLER)
def create() -> Response:
    """Add an account that the installer owns."""
    form = AccountForm()
    if not form.validate():
        return show("account_list/new.html", form=form, status=422)
    account = accounts.create_by_installer(form.name.data, person(), now())
    tell(_("%(account)s is there. Invite the first people.", account=account.name))
    return go(url_for("compose.form", slug=account.slug))


@blueprint.post("/invitations/<int:invitation_id>/acceptance")
@allow(Who.LOGGED_IN)
def accept(invitation_id: int) -> Response:
    """Accept one of the invitations of this page."""
    invitation = _own_invitation(invitation_id)
    try:
        answers.accept(invitation, person(), now())
    except RuleError as refused:
        tell(sentence(refused), "problem")
        return go(url_for("account_list.index"))
    renew()
    tell(_("Welcome to %(account)s.", account=invitation.account.name))
    return go(url_for("account_home.page", slug=invitation.account.slug))


@blueprint.post("/invitations/<int:invitation_id>/refusal")
@allow(Who.LOGGED_IN)
def decline(invitation_id: int) -> Response:
    """Decline one of the invitations of this page."""
    invitation = _own_invitation(invitation_id)
    try:
        answers.decline(invitation, now())
    except RuleError as refused:
        tell(sentence(refused), "problem")
    else:
        tell(_("You declined the invitation to %(account)s.", account=invitation.account.name))
    return go(url_for("account_list.index"))


@blueprint.post("/confirmation")
@allow(Who.LOGGED_IN)
def confirm() -> Response:
    """Mail the confirmation link once more."""
    email = person().email
    if person().is_confirmed:
        tell(_("%(email)s is confirmed already.", email=email))
    elif email_tokens.ask(person(), EmailTokenPurpose.CONFIRM_EMAIL, email, now()):
        tell(_("A confirmation mail is on its way to %(email)s.", email=email))
    else:
        tell(
            _(
                "Several mails went to %(email)s within the hour. Look among your spam too, "
                "or try again later.",
                email=email,
            ),
            "problem",
        )
    return go(url_for("account_list.index"))


def _own_invitation(invitation_id: int) -> Invitation:
    """One that this person may answer here: addressed to their confirmed address."""
    invitation = answers.find(invitation_id, person())
    if invitation is None:
        abort(404)
    return invitation
