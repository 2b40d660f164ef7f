"""Limits against guessing and flooding: per address first, per network last.

A hall of volunteers shares one IP address, so the limits per network are wide;
those per e-mail address are narrow. In memory, hence one web process.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

View = TypeVar("View", bound=Callable[..., Any])

_limiter = Limiter(get_remote_address, storage_uri="memory://", strategy="moving-window")


def init_app(app: Flask) -> None:
    """Set the limiter up on ``app``."""
    _limiter.init_app(app)


def _typed_email() -> str:
    return request.form.get("email", "").strip().lower()[:254]


def _email_and_network() -> str:
    return f"{_typed_email()}|{get_remote_address()}"


def _refused(response: Response) -> bool:
    return response.status_code >= 400


def _limit(
    view: View, spec: str, key: Callable[[], str], scope: str, *, failures: bool = False
) -> View:
    deduct_when = _refused if failures else None
    limit: Any = _limiter.shared_limit(
        spec, scope=scope, key_func=key, methods=["POST"], deduct_when=deduct_when
    )
    return cast(View, limit(view))


def limit_logins(view: View) -> View:
    """Ten wrong passwords for one address from one network in a quarter of an hour."""
    view = _limit(view, "300 per 15 minutes", get_remote_address, "login", failures=True)
    return _limit(view, "10 per 15 minutes", _email_and_network, "login", failures=True)


def limit_mail(view: View) -> View:
    """Five mails an hour to one typed address."""
    view = _limit(view, "60 per hour", get_remote_address, "mail")
    return _limit(view, "5 per hour", _typed_email, "mail")


def limit_joining(view: View) -> View:
    """New profiles: a hall full of people behind one network may join within the hour."""
    return _limit(view, "600 per hour", get_remote_address, "joining")


def limit_setup(view: View) -> View:
    """Guesses of the set-up code."""
    return _limit(view, "20 per 15 minutes", get_remote_address, "setup", failures=True)
