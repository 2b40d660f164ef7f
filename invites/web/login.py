"""Who asks: Flask-Login over our own sessions, one database row per device."""

import logging
from datetime import timedelta
from typing import cast

import flask_login
from flask import Flask, Response, after_this_request, current_app, request, session

from invites.authorization import audit_log
from invites.core import user_agents
from invites.models import User
from invites.people import sessions, trusted_devices, two_step
from invites.web.htmx import asks_by_itself
from invites.web.services import now, services

log = logging.getLogger("invites.web")

_MARKS_LAST = timedelta(days=400)  # the longest that browsers keep a cookie

_manager = flask_login.LoginManager()
_manager.session_protection = None  # ours end on the server; a changed browser version ends none


class Visitor(flask_login.UserMixin):
    """A logged-in person on one device. Flask-Login keeps only the token of the session."""

    def __init__(self, user: User, token: str) -> None:
        self.user = user
        self.token = token

    def get_id(self) -> str:
        """Flask-Login's alternative id: the session's token, not the user's number."""
        return self.token


def init_app(app: Flask) -> None:
    """Set Flask-Login up on ``app``."""
    _manager.init_app(app)


@_manager.user_loader
def _load(token: str) -> Visitor | None:
    found = sessions.find(token, now(), in_use=not asks_by_itself())
    return Visitor(found.user, token) if found else None


def visitor() -> Visitor | None:
    """Whoever is logged in on this device, or None."""
    current = flask_login.current_user
    return cast(Visitor, current) if current.is_authenticated else None


def person() -> User:
    """The logged-in person. Only for views that nobody else reaches."""
    return _signed_in().user


def session_token() -> str:
    """The token of their session on this device. Only where ``person`` may be asked."""
    return _signed_in().token


def _signed_in() -> Visitor:
    who = visitor()
    assert who is not None
    return who


def log_in(user: User, *, shared: bool, by_password_alone: bool = False) -> None:
    """Start a session on this device; whatever session it had ends.

    On a ``shared`` one it ends with the browser, and the log-in is news each time.
    Raises RuleError(PASSWORD_WRONG), and changes nothing, when the password was changed
    since ``user`` was read, or isn't enough ``by_password_alone``.
    """
    start = two_step.log_in_with_password if by_password_alone else sessions.start
    token = start(user, request.user_agent.string, now(), shared=shared)
    log_out()
    flask_login.login_user(Visitor(user, token))
    session.permanent = not shared
    log.info("logged in: user %s from %s", user.id, request.remote_addr)
    _mark(user, shared=shared)


def renew() -> None:
    """Give this device's session another token, as after a log-in (ASVS 5.0 V7.2.4)."""
    flask_login.login_user(Visitor(person(), sessions.renew(session_token())))


def log_out() -> None:
    """End this device's session, on the server too."""
    who = visitor()
    if who is not None:
        sessions.end(who.token)
    flask_login.logout_user()
    session.clear()


def _mark(user: User, *, shared: bool) -> None:
    """Have the browser carry that ``user`` signed in here, and tell of it if it didn't yet.

    On a ``shared`` one that mark goes: the next one who signs in as them may be anybody.
    """
    config, signer = current_app.config, services().signer
    name = f"{config['SESSION_COOKIE_NAME']}-device"
    marks = request.cookies.get(name, "")
    if shared or not trusted_devices.is_trusted(marks, user, signer):
        device = ", ".join(filter(None, user_agents.describe(request.user_agent.string)))
        audit_log.record_sign_in(user, device, now())
    if shared:
        marks = trusted_devices.removed(marks, user)
    else:
        marks = trusted_devices.added(marks, user, signer)

    @after_this_request
    def _carry(response: Response) -> Response:
        response.set_cookie(
            name,
            marks,
            max_age=_MARKS_LAST if marks else 0,
            secure=config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response
