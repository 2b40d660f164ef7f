"""The first page after somebody joined."""

from flask import url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.models import Account, Membership
from invites.web.forms import JoinForm
from invites.web.pages import go, tell
from invites.web.signin import log_in


def arrived(membership: Membership, form: JoinForm) -> Response:
    """Log somebody new in, unless they joined on a computer that they leave now."""
    if form.leave.data:
        tell(
            _(
                "You are in. Welcome to %(account)s. You are not logged in on this computer.",
                account=membership.account.name,
            )
        )
        return go(url_for("login.form"))
    log_in(membership.user, shared=form.shared.data)
    return welcome(membership.account)


def welcome(account: Account) -> Response:
    """Lead to the account that somebody has joined."""
    tell(_("You are in. Welcome to %(account)s.", account=account.name))
    return go(url_for("home.page", slug=account.slug))
