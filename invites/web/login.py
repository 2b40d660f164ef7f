"""Who is logged in: Flask-Login on top of sessions in the database, one row per device."""

import logging
from datetime import timedelta
from typing import cast

import flask_login
from flask import Flask, Response, after_this_request, current_app, g, request, session

from invites.authorization import audit_log
from invites.core import user_agents
from invites.models import User
from invites.people import sessions, trusted_devices, two_step
from invites.web.htmx import is_polling
from invites.web.services import now, services

log = logging.getLogger("invites.web")

_TRUSTED_FOR = timedelta(days=400)  # the longest time that browsers keep a cookie

_manager = flask_login.LoginManager()
_manager.session_protection = None  # it would only clear "fresh", which nothing uses


class Visitor(flask_login.UserMixin):
    """A logged-in person on one device."""

    def __init__(self, user: User, token: str) -> None:
        self.user = user
        self.token = token

    def get_id(self) -> str:
        """The session token: Flask-Login stores it in place of a user id."""
        return self.token


def init_app(app: Flask) -> None:
    _manager.init_app(app, add_context_processor=False)  # templates use ``person``


@_manager.user_loader
def _load(token: str) -> Visitor | None:
    found = sessions.find(token, now(), in_use=not is_polling())
    return Visitor(found.user, token) if found else None


def visitor() -> Visitor | None:
    if g.get("is_treated_as_logged_out"):  # see fault_pages
        return None
    current = flask_login.current_user
    return cast(Visitor, current) if current.is_authenticated else None


def person() -> User:
    """Only for views that require a login."""
    return _current_visitor().user


def session_token() -> str:
    return _current_visitor().token


def _current_visitor() -> Visitor:
    who = visitor()
    assert who is not None
    return who


def log_in(user: User, *, shared: bool, by_password_alone: bool = False) -> None:
    """Starts a session on this device and ends the previous one.

    On a ``shared`` device the session ends with the browser, and each login counts as one from a
    new device. Raises RuleError(PASSWORD_WRONG), and changes nothing, if the password has changed
    since ``user`` was read, or if ``by_password_alone`` is set and two-step verification is on.
    """
    start = two_step.log_in_with_password if by_password_alone else sessions.start
    token = start(user, request.user_agent.string, now(), shared=shared)
    log_out()
    flask_login.login_user(Visitor(user, token))
    session.permanent = not shared
    log.info("logged in: user %s from %s", user.id, request.remote_addr)
    _trust_device(user, shared=shared)


def renew() -> None:
    """Gives the session a new token, as after a login (ASVS 5.0 V7.2.4)."""
    flask_login.login_user(Visitor(person(), sessions.renew(session_token())))


def log_out() -> None:
    who = visitor()
    if who is not None:
        sessions.end(who.token)
    flask_login.logout_user()
    session.clear()


def is_own_device(user: User) -> bool:
    """Whether the owner of the address logged in here. Anybody can claim an unconfirmed address."""
    return user.is_confirmed and is_trusted_device(user)


def is_trusted_device(user: User) -> bool:
    marks = request.cookies.get(_device_cookie(), "")
    return trusted_devices.is_trusted(marks, user, services().signer)


def _device_cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"


def _trust_device(user: User, *, shared: bool) -> None:
    """Records a login from a new device, and sets the cookie that makes the device trusted.

    A ``shared`` device is never trusted, because someone else may log in there next.
    """
    config, signer = current_app.config, services().signer
    marks = request.cookies.get(_device_cookie(), "")
    if shared or not is_trusted_device(user):
        device = ", ".join(filter(None, user_agents.describe(request.user_agent.string)))
        audit_log.record_login(user, device, now())
    if shared:
        marks = trusted_devices.removed(marks, user)
    else:
        marks = trusted_devices.added(marks, user, signer)

    @after_this_request
    def _set_cookie(response: Response) -> Response:
        response.set_cookie(
            _device_cookie(),
            marks,
            max_age=_TRUSTED_FOR if marks else 0,
            secure=config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response
