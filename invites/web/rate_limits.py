"""Limits against guessing and flooding: per address first, per network last.

A hall of volunteers shares one IP address, so the limits per network are wide;
those per e-mail address are narrow. In memory, hence one web process.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil
from time import time
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import urlsplit

import limits
from flask import Flask, g, make_response, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response

from invites.core.addresses import canonical
from invites.core.errors import RuleError
from invites.people import passwords, profiles
from invites.web import pending_login
from invites.web.login import person

_WAS_RIGHT = "guess_was_right"

View = TypeVar("View", bound=Callable[..., Any])


def _network() -> str:
    """The address of the network that asks: with IPv6 one line has 2^64 addresses."""
    address = _address(get_remote_address())
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # else all of IPv4 were one line
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False))


_limiter = Limiter(_network, storage_uri="memory://", strategy="moving-window")


def init_app(app: Flask) -> None:
    """Set the limiter up on ``app``."""
    _limiter.init_app(app)


def limit_logins(view: View) -> View:
    """Ten wrong passwords for one address from one network in a quarter of an hour.

    They count against the password, so that whoever sets a new one can log in at once.
    """
    view = _in_line(view, _limit_guesses(view, "10 per 15 minutes", _guessed_password))
    return _limit(view, "600 per 15 minutes", _network, "login")


def limit_password_guesses(view: View) -> View:
    """Ten wrong passwords by somebody who found an open session, whatever form asks for it."""
    key, scope = (lambda: str(person().id)), "password"
    return _in_line(view, _limit_guesses(view, "10 per 15 minutes", key, scope=scope))


def limit_app_digits(view: View) -> View:
    """Ten wrong codes by somebody who sets an app up."""
    return _limit_guesses(view, "10 per 15 minutes", lambda: str(person().id))


def limit_two_step(view: View) -> View:
    """Ten wrong codes by somebody who knows the password, wherever they sit."""
    return _limit_guesses(
        view, "10 per 15 minutes", pending_login.key, pending_login.tell_of_guesses
    )


def limit_passkeys(view: View) -> View:
    """Log-ins by passkey, by a hall full of people."""
    return _limit(view, "1200 per 15 minutes", _network, "passkeys")


def limit_setup(view: View) -> View:
    """Guesses of the setup code."""
    return _in_line(view, _limit_guesses(view, "20 per 15 minutes", _network))


def limit_mail(view: View) -> View:
    """Five mails an hour to one typed address."""
    view = _limit(view, "60 per hour", _network, "mail")
    return _limit(view, "5 per hour", _typed_email, "mail")


def limit_test_mails(view: View) -> View:
    """Ten test mails an hour from the whole box: each keeps a thread waiting."""
    return _limit(view, "10 per hour", lambda: "box", "test_mails")


def limit_estimates(view: View) -> View:
    """Passwords judged while they are typed, by a hall full of people."""
    return _limit(view, "3000 per 15 minutes", _network, "estimates")


def limit_joining(view: View) -> View:
    """New profiles and passwords: a hall full of people may join within the hour."""
    return _limit(_in_line(view, view), "600 per hour", _network, "joining")


def _address(told: str) -> IPv4Address | IPv6Address:
    """``told`` by a proxy, of which some add the port; those that tell none count together."""
    with suppress(ValueError):
        return ip_address(told)
    with suppress(ValueError):
        return ip_address(urlsplit(f"//{told}").hostname or "")
    return IPv4Address(0)


def _in_line(view: View, counted: View) -> View:
    """``counted``, with a place in line for the whole request.

    Without one it is ``view`` itself: its rule refuses, so nothing was guessed.
    """

    @wraps(view)
    def placed(*args: Any, **kwargs: Any) -> Any:
        with passwords.queue() as has_place:
            return counted(*args, **kwargs) if has_place else view(*args, **kwargs)

    return cast(View, placed)


def _limit(view: View, spec: str, key: Callable[[], str], scope: str) -> View:
    limit: Any = _limiter.shared_limit(
        spec, scope=scope, key_func=key, methods=["POST"], on_breach=_refuse
    )
    return cast(View, limit(view))


def _limit_guesses(
    view: View,
    spec: str,
    key: Callable[[], str],
    on_breach: Callable[[], None] | None = None,
    *,
    scope: str = "",
) -> View:
    """Count every try before it is made, so that many at once count too; forget them on success.

    Views of one ``scope`` count together; each of them leads on from a right guess only.
    """
    item = limits.parse(spec)
    scope = scope or f"{view.__module__}.{view.__name__}"

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Response:
        whose = (scope, key())
        if _limiter.enabled and not _limiter.limiter.hit(item, *whose):
            if on_breach is not None:
                on_breach()
            raise _too_many(_limiter.limiter.get_window_stats(item, *whose).reset_time)
        response = make_response(view(*args, **kwargs))
        if response.status_code < 400 or g.pop(_WAS_RIGHT, False):
            _limiter.limiter.clear(item, *whose)
        return response

    return cast(View, limited)


def was_right() -> None:
    """Say that the guess of this request was right, though something else in it wasn't."""
    setattr(g, _WAS_RIGHT, True)


def _refuse(limit: RequestLimit) -> NoReturn:
    raise _too_many(limit.window.reset_time)


def _too_many(until: float) -> TooManyRequests:
    """Says how many seconds remain ``until`` the next try."""
    return TooManyRequests(retry_after=max(1, ceil(until - time())))


def _guessed_password() -> str:
    email = _typed_email()
    user = profiles.find(email)
    password = hashlib.sha256(user.password_hash.encode()).hexdigest() if user else ""
    return f"{email}|{_network()}|{password}"


def _typed_email() -> str:
    """The canonical address, so that no other spelling gives more tries."""
    typed = request.form.get("email", "")
    try:
        return canonical(typed)
    except RuleError:
        return typed[:254]
