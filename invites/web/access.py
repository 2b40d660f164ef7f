"""Every view declares who may use it, and how large a form it accepts.

A view without a declaration is closed to everyone. A form is read only if the view declared a size,
and only after the visitor was admitted.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, cast

from flask import Flask, abort, current_app, g, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from invites.authorization.permissions import Action, is_allowed
from invites.members import accounts, memberships, two_step_policy
from invites.members.scope import Scope
from invites.models import Account, Membership, User
from invites.web import list_capacity
from invites.web.form_limits import LIST, BodyLimit, check_query, read_form
from invites.web.htmx import is_htmx
from invites.web.login import person, visitor
from invites.web.login_required import send_to_login
from invites.web.responses import go, show

log = logging.getLogger("invites.web")

_DECLARED = "allowed"  # attribute of a view
_LAST = "account"  # in the session cookie: the slug of the last account
_csrf = CSRFProtect()  # called by _check_request, because WTF_CSRF_CHECK_DEFAULT is off
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

View = TypeVar("View", bound=Callable[..., Any])


class CrossSiteError(Forbidden):
    """A form sent by a page of another site (ASVS 5.0 3.5.1)."""


class Who(Enum):
    """Who may use a view that doesn't belong to an account.

    MAIL_SERVICE is another server, without cookies. It needs no form token, because the token in
    the URL authorizes it.
    """

    ANYBODY = "anybody"
    MAIL_SERVICE = "mail service"
    LOGGED_IN = "logged in"
    INSTALLER = "installer"


@dataclass(frozen=True)
class AccountContext:
    membership: Membership
    scope: Scope

    @property
    def account(self) -> Account:
        return self.scope.account

    def may(self, action: Action, target: Any = None) -> bool:
        return is_allowed(self.membership, action, target)


@dataclass(frozen=True)
class Declaration:
    """``body``: the limit of the view's form; None if the view takes no form."""

    who: Who | Action
    body: BodyLimit | None


def allow(who: Who | Action, *, body: BodyLimit | None = None) -> Callable[[View], View]:
    """Declares who may use a view. A view that accepts POST needs ``body``."""

    def declare(view: View) -> View:
        setattr(view, _DECLARED, Declaration(who, body))
        return view

    return declare


def declared(view: Callable[..., Any]) -> Declaration | None:
    return cast(Declaration | None, getattr(view, _DECLARED, None))


def current() -> AccountContext:
    """Only for views that declared an Action."""
    return cast(AccountContext, g.current)


def account_context(own: Sequence[Membership]) -> AccountContext | None:
    """The current account's context or, on pages outside accounts, that of the last account.

    ``own``: the visitor's active memberships. A single one counts as the last.
    """
    if "current" in g:
        return current()
    last = session.get(_LAST)
    found = next((one for one in own if one.account.slug == last), None)
    if found is None and len(own) == 1:
        found = own[0]
    return AccountContext(found, Scope(found.account)) if found else None


def init_app(app: Flask) -> None:
    _csrf.init_app(app)
    app.before_request(_check_request)


def _check_request() -> Response | None:
    """Checks access before the body is read."""
    if request.endpoint is None:
        return None  # the URL is unknown: Flask answers with 404
    declaration = declared(current_app.view_functions[request.endpoint])
    is_mail_service = declaration is not None and declaration.who is Who.MAIL_SERVICE
    if _comes_from_another_site() and not is_mail_service:
        raise CrossSiteError
    takes_form = request.method not in _SAFE
    if declaration is None or (takes_form and declaration.body is None):
        abort(403)
    check_query()
    answer = _admit(declaration)
    if answer is None and takes_form and declaration.body is LIST:
        answer = list_capacity.enter(person().id)
    if answer is None and takes_form:
        assert declaration.body
        read_form(declaration.body)
        if current_app.config["WTF_CSRF_ENABLED"] and not is_mail_service:
            _csrf.protect()
    return answer


def _admit(declaration: Declaration) -> Response | None:
    """Returns None if the visitor may use the view, otherwise the response."""
    who = declaration.who
    if who in (Who.ANYBODY, Who.MAIL_SERVICE):
        return None
    visiting = visitor()
    if visiting is None:
        return send_to_login(sends_list=declaration.body is LIST)
    if isinstance(who, Action):
        return _enter_account(visiting.user, who)
    if who is Who.INSTALLER and not visiting.user.is_installer:
        _log_denied()
        abort(404)
    return None


def _comes_from_another_site() -> bool:
    """See ASVS 5.0 3.5.1."""
    if request.method in _SAFE:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    # Old browsers send only Origin. It is "null" on our own pages, due to the referrer policy.
    origin = request.headers.get("Origin", "null")
    return origin != "null" and origin.partition("://")[2] != request.host


def _enter_account(user: User, action: Action) -> Response | None:
    """Aborts with 404 if the person was never a member, as if the account didn't exist."""
    slug = (request.view_args or {}).pop("slug", "")  # views call current() instead
    membership = accounts.find_membership(user, slug)
    if membership is None:
        _log_denied()
        abort(404)
    if not membership.is_active:
        _log_denied()
        return _no_longer_active(membership.account)
    if action is not Action.LEAVE and two_step_policy.must_set_up(membership):
        return go(url_for("two_step.page"))
    g.current = AccountContext(membership, Scope(membership.account))
    if session.get(_LAST) != slug and not is_htmx():
        session[_LAST] = slug
    if not is_allowed(membership, action):
        _log_denied()
        abort(403)
    return None


def _log_denied() -> None:
    """Required by ASVS 5.0 16.3.2. Omits the URL, which may contain a token."""
    who = visitor()
    number = who.user.id if who else None
    log.warning("denied: %s %s to user %s", request.method, request.endpoint, number)


def _no_longer_active(account: Account) -> Response:
    """Tells a former member which owners to ask."""
    if is_htmx():
        return go(url_for("account_home.page", slug=account.slug))
    owners = memberships.owners(account)
    return show("account_list/no_longer_active.html", account=account, owners=owners, status=403)
