"""Rate limits against guessing and flooding: strict per email address, generous per network.

A room full of volunteers may share one IP address. The counts are in memory, so there must be only
one web process.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil
from time import time
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import limits
from flask import Flask, current_app, g, make_response, request
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response

from invites.core.addresses import canonical, spellings
from invites.core.errors import Reason, RuleError
from invites.people import passwords, profiles
from invites.web import pending_login
from invites.web.login import is_own_device, person
from invites.web.services import links

_GUESSES = "10 per 15 minutes"
_EXTENSION = "rate_limiter"

View = TypeVar("View", bound=Callable[..., Any])


def _network() -> str:
    """An IPv4 address, or the 64-bit prefix of an IPv6 address."""
    address = _address(request.remote_addr or "")
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # otherwise all of IPv4 would be one network
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False))


def init_app(app: Flask) -> None:
    """Uses fixed windows, because ``limits`` never forgets the keys of moving ones."""
    app.extensions[_EXTENSION] = FixedWindowRateLimiter(MemoryStorage())


def limit_logins(view: View) -> View:
    """A new password starts a new count, so people who set one can log in at once."""
    view = _in_password_queue(_limit_guesses(view, _GUESSES, _email_and_password), view)
    return _limit(view, "600 per 15 minutes", _network, "login")


def limit_password_guesses(view: View) -> View:
    """Per person, across all forms that ask for the password.

    Right ones are limited too: each takes as much time, and most changes send an email.
    """
    view_of_guesses = _limit_guesses(view, _GUESSES, _person, scope="password")
    limited = _limit(view_of_guesses, "60 per hour", _person, "passwords")
    return _in_password_queue(limited, view)


def limit_app_digits(view: View) -> View:
    return _limit_guesses(view, _GUESSES, _person)


def limit_two_step(view: View) -> View:
    """Limits codes per person, across networks. The person has entered the right password."""
    return _limit_guesses(view, _GUESSES, pending_login.key, pending_login.notify_of_guesses)


def limit_setup(view: View) -> View:
    return _in_password_queue(_limit_guesses(view, "20 per 15 minutes", _network), view)


def limit_passkeys(view: View) -> View:
    return _limit(view, "1200 per 15 minutes", _network, "passkeys")


def limit_mail(view: View) -> View:
    """Per requester, so that nobody uses up another person's requests.

    ``email_tokens`` limits the emails to one mailbox. The limit for all addresses is checked first,
    so a requester can't add many counts.
    """
    view = _limit(view, "5 per hour", lambda: f"{_typed_email()}|{_requester()}", "mail")
    return _limit(view, "60 per hour", _requester, "mail")


def limit_resubscribing(view: View) -> View:
    """Per link: resubscribing and unsubscribing again and again would fill the audit log."""
    return _limit(view, "10 per hour", _unsubscribe_link, "resubscribing")


def limit_test_mails(view: View) -> View:
    """For the whole installation, because each test email occupies a thread."""
    return _limit(view, "10 per hour", lambda: "installation", "test_mails")


def limit_estimates(view: View) -> View:
    return _limit(_in_password_queue(view, view), "3000 per 15 minutes", _network, "estimates")


def limit_joining(view: View) -> View:
    """Also limits password resets."""
    return _limit(_in_password_queue(view, view), "600 per hour", _network, "joining")


def was_wrong_password(refused: RuleError) -> bool:
    """Whether the password was wrong. If it was right, the request isn't counted as a guess.

    Call it only for rules that check the password before anything else.
    """
    is_wrong = refused.reason in (Reason.PASSWORD_WRONG, Reason.BUSY)
    g.was_right_password = not is_wrong
    return is_wrong


def _person() -> str:
    return str(person().id)


def _email_and_password() -> str:
    email = _typed_email()
    user = profiles.find(email)
    password = hashlib.sha256(user.password_hash.encode()).hexdigest() if user else ""
    return f"{email}|{_network()}|{password}"


def _requester() -> str:
    """The user with the typed address, if this device is trusted; otherwise the network."""
    user = profiles.find(_typed_email())
    return f"user {user.id}" if user and is_own_device(user) else _network()


def _unsubscribe_link() -> str:
    """Invalid links share one count per network."""
    found = links().opened_unsubscribe((request.view_args or {})["token"])
    return f"invitation {found.id}" if found else _network()


def _typed_email() -> str:
    """Canonical, so another spelling doesn't give more attempts."""
    typed = request.form.get("email", "")
    try:
        return min(spellings([canonical(typed)]))
    except RuleError:
        return typed[:254]


def _address(reported: str) -> IPv4Address | IPv6Address:
    """Without the port. 0.0.0.0 if it isn't an address."""
    with suppress(ValueError):
        return ip_address(reported)
    with suppress(ValueError):
        return ip_address(urlsplit(f"//{reported}").hostname or "")
    return IPv4Address(0)


def _limit(view: View, spec: str, key: Callable[[], str], scope: str) -> View:
    item = limits.parse(spec)

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        counter = (scope, key())
        if not _limiter().hit(item, *counter):
            raise _too_many(item, *counter)
        return view(*args, **kwargs)

    return _for_posts(limited, view)


def _limit_guesses(
    view: View,
    spec: str,
    key: Callable[[], str],
    on_breach: Callable[[], None] | None = None,
    *,
    scope: str = "",
) -> View:
    """Counts each guess before it is checked, and resets the count after a right one.

    Views with the same ``scope`` count together, so each of them must refuse wrong guesses.
    """
    item = limits.parse(spec)
    scope = scope or f"{view.__module__}.{view.__name__}"

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Response:
        counter = (scope, key())
        if not _limiter().hit(item, *counter):
            if on_breach is not None:
                on_breach()
            raise _too_many(item, *counter)
        response = make_response(view(*args, **kwargs))
        if response.status_code < 400 or g.pop("was_right_password", False):
            _limiter().clear(item, *counter)
        return response

    return _for_posts(limited, view)


def _in_password_queue(limited: View, unlimited: View) -> View:
    """Without a place in the queue, runs ``unlimited``, which refuses before checking the guess."""

    @wraps(unlimited)
    def queued(*args: Any, **kwargs: Any) -> Any:
        with passwords.queue(_network()) as is_queued:
            return (limited if is_queued else unlimited)(*args, **kwargs)

    return _for_posts(queued, unlimited)


def _for_posts(limited: Callable[..., Any], view: View) -> View:
    """Other requests only show a page, so they are never counted."""

    @wraps(view)
    def either(*args: Any, **kwargs: Any) -> Any:
        return (limited if request.method == "POST" else view)(*args, **kwargs)

    return cast(View, either)


def _limiter() -> FixedWindowRateLimiter:
    return cast(FixedWindowRateLimiter, current_app.extensions[_EXTENSION])


def _too_many(item: limits.RateLimitItem, *counter: str) -> TooManyRequests:
    until = _limiter().get_window_stats(item, *counter).reset_time
    return TooManyRequests(retry_after=max(1, ceil(until - time())))
