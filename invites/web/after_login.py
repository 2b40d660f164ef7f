"""Where people go after joining or logging in."""

from flask import url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.members import accounts, answers
from invites.models import Account, Membership, User
from invites.people import two_step
from invites.web import pending_login
from invites.web.forms import JoinForm
from invites.web.login import log_in
from invites.web.responses import go, tell
from invites.web.services import now


def after_join(membership: Membership, form: JoinForm) -> Response:
    """Logs a new member in, unless they asked not to be logged in on this computer."""
    if form.log_out.data:
        tell(
            _(
                "You joined %(account)s. You are logged out on this computer.",
                account=membership.account.name,
            )
        )
        return go(url_for("login.form"))
    log_in(membership.user, shared=form.shared.data)
    return welcome(membership.account)


def welcome(account: Account) -> Response:
    tell(_("Welcome to %(account)s. You are now a member.", account=account.name))
    return go(url_for("account_home.page", slug=account.slug))


def after_password(user: User, *, shared: bool, next_url: str | None = None) -> Response:
    """Logs in, or asks for two-step verification first.

    Raises RuleError(PASSWORD_WRONG) if the password has changed since ``user`` was read.
    """
    if two_step.is_on(user):
        pending_login.begin(user, shared=shared)
        return go(url_for("two_step_login.form", next=next_url))
    log_in(user, shared=shared, by_password_alone=True)
    return go(next_url or first_page(user))


def first_page(user: User) -> str:
    """Their only account or, with several or an unanswered invitation, the list of accounts."""
    memberships = accounts.memberships_of(user)
    if len(memberships) == 1 and not answers.has_unanswered(user, now()):
        return url_for("account_home.page", slug=memberships[0].account.slug)
    return url_for("account_list.index")
