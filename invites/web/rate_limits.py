"""Rate limits against guessing and flooding: narrow per email address, wide per network.

A hall full of volunteers shares one IP address. Counted in memory, hence one web process.
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

_GUESSES = "10 per 15 minutes"
_WAS_RIGHT = "guess_was_right"  # in ``g``

View = TypeVar("View", bound=Callable[..., Any])


def _network() -> str:
    """The network of the client: an IPv4 address, or the 64 bits of one IPv6 line."""
    address = _address(get_remote_address())
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # otherwise all of IPv4 were one network
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False))


_limiter = Limiter(_network, storage_uri="memory://", strategy="moving-window")


def init_app(app: Flask) -> None:
    _limiter.init_app(app)


# The limits


def limit_logins(view: View) -> View:
    """Wrong passwords for one address from one network.

    They count against the current password: people who set a new one can log in at once.
    """
    view = _in_password_queue(_limit_guesses(view, _GUESSES, _email_and_password), view)
    return _limit(view, "600 per 15 minutes", _network, "login")


def limit_password_guesses(view: View) -> View:
    """Wrong passwords of the logged-in person, over all forms that ask for it."""
    guesses = _limit_guesses(view, _GUESSES, _person, scope="password")
    return _in_password_queue(guesses, view)


def limit_app_digits(view: View) -> View:
    """Wrong codes while an authenticator app is set up."""
    return _limit_guesses(view, _GUESSES, _person)


def limit_two_step(view: View) -> View:
    """Wrong codes after the right password, from any network."""
    return _limit_guesses(view, _GUESSES, pending_login.key, pending_login.tell_of_guesses)


def limit_setup(view: View) -> View:
    """Wrong setup codes."""
    return _in_password_queue(_limit_guesses(view, "20 per 15 minutes", _network), view)


def limit_passkeys(view: View) -> View:
    return _limit(view, "1200 per 15 minutes", _network, "passkeys")


def limit_mail(view: View) -> View:
    """Emails to a typed address."""
    view = _limit(view, "60 per hour", _network, "mail")
    return _limit(view, "5 per hour", _typed_email, "mail")


def limit_test_mails(view: View) -> View:
    """For the whole installation: each test mail occupies a thread."""
    return _limit(view, "10 per hour", lambda: "installation", "test_mails")


def limit_estimates(view: View) -> View:
    """Passwords whose strength is estimated while they are typed."""
    return _limit(view, "3000 per 15 minutes", _network, "estimates")


def limit_joining(view: View) -> View:
    """New profiles and new passwords."""
    return _limit(_in_password_queue(view, view), "600 per hour", _network, "joining")


def was_right() -> None:
    """The guess of this request was right, though the answer is a refusal for another reason."""
    setattr(g, _WAS_RIGHT, True)


# What is counted together


def _person() -> str:
    return str(person().id)


def _email_and_password() -> str:
    email = _typed_email()
    user = profiles.find(email)
    password = hashlib.sha256(user.password_hash.encode()).hexdigest() if user else ""
    return f"{email}|{_network()}|{password}"


def _typed_email() -> str:
    """The canonical address: another spelling doesn't give more attempts."""
    typed = request.form.get("email", "")
    try:
        return canonical(typed)
    except RuleError:
        return typed[:254]


def _address(reported: str) -> IPv4Address | IPv6Address:
    """The address that a proxy reported, perhaps with a port; 0.0.0.0 if it isn't one."""
    with suppress(ValueError):
        return ip_address(reported)
    with suppress(ValueError):
        return ip_address(urlsplit(f"//{reported}").hostname or "")
    return IPv4Address(0)


# How it is counted


def _limit(view: View, spec: str, key: Callable[[], str], scope: str) -> View:
    """Limits all requests that change something."""
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
    """Limits wrong guesses. Counts each before it is made, and forgets them after a right one.

    Views of one ``scope`` count together, so all of them have to refuse wrong guesses.
    """
    item = limits.parse(spec)
    scope = scope or f"{view.__module__}.{view.__name__}"

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Response:
        counter = (scope, key())
        if _limiter.enabled and not _limiter.limiter.hit(item, *counter):
            if on_breach is not None:
                on_breach()
            raise _too_many(_limiter.limiter.get_window_stats(item, *counter).reset_time)
        response = make_response(view(*args, **kwargs))
        if response.status_code < 400 or g.pop(_WAS_RIGHT, False):
            _limiter.limiter.clear(item, *counter)
        return response

    return cast(View, limited)


def _in_password_queue(limited: View, unlimited: View) -> View:
    """``limited`` with one place in the password queue for the whole request.

    If the queue is full, ``unlimited`` runs: its rule refuses, so there was no guess to count.
    """

    @wraps(unlimited)
    def queued(*args: Any, **kwargs: Any) -> Any:
        with passwords.queue() as is_queued:
            return (limited if is_queued else unlimited)(*args, **kwargs)

    return cast(View, queued)


def _refuse(limit: RequestLimit) -> NoReturn:
    raise _too_many(limit.window.reset_time)


def _too_many(until: float) -> TooManyRequests:
    return TooManyRequests(retry_after=max(1, ceil(until - time())))
