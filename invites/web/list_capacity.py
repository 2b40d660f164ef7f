"""Limits how many lists are read or downloaded at once, and the processor time of each person.

Counts are in memory, so there must be only one web process.
"""

import time
from collections.abc import Callable
from functools import wraps
from math import ceil
from threading import Lock
from typing import Any, TypeVar, cast

from flask import Flask, Response, g

from invites.core.places import Places
from invites.invitations import subprocess_pool
from invites.web.htmx import is_htmx
from invites.web.login import person
from invites.web.responses import show

View = TypeVar("View", bound=Callable[..., Any])

_places = Places(4, each=2)  # requests with lists at a time; gunicorn has 32 threads
_RETRY_AFTER = 3  # seconds; most lists take less than one
# Seconds per person: of CPU time, and of receiving the form, which occupies a place too.
_BUDGET = 20.0
_PAID_BACK_IN = 60.0  # seconds, for a whole budget


class _Budgets:
    """A person who spent more than their budget waits until the rest is paid back.

    Windows that end would forgive it: two people could occupy all places every other minute.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._paid_at: dict[int, float] = {}  # when everything is paid back, by user

    def spend(self, user_id: int, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            owing = {who: at for who, at in self._paid_at.items() if at > now}
            owing[user_id] = owing.get(user_id, now) + seconds * _PAID_BACK_IN / _BUDGET
            self._paid_at = owing

    def seconds_to_wait(self, user_id: int) -> float:
        return self._paid_at.get(user_id, 0) - time.monotonic() - _PAID_BACK_IN


_budgets = _Budgets()


def init_app(app: Flask) -> None:
    app.teardown_request(_leave)


def limit_exports(view: View) -> View:
    """For downloads. access.py calls ``enter`` only for forms."""

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        return enter(person().id) or view(*args, **kwargs)

    return cast(View, limited)


def enter(user_id: int) -> Response | None:
    """Takes a place until the request ends. If there is none, returns a response with status 503.

    Call it before the list is read.
    """
    seconds = _seconds_to_wait(user_id)
    if seconds:
        g.retry_after = seconds
        if is_htmx():
            return Response(status=503)  # js/retry.js sends it again; nothing to show
        return show("list_capacity/page.html", status=503, seconds=seconds)
    g.list_reader = (user_id, time.thread_time())
    return None


def _seconds_to_wait(user_id: int) -> int:
    """Takes a place and returns 0, or returns the seconds until it is worth trying again."""
    seconds = _budgets.seconds_to_wait(user_id)
    if seconds > 0:
        return ceil(seconds)
    return 0 if _places.take(str(user_id)) else _RETRY_AFTER


def _leave(_error: BaseException | None) -> None:
    if "list_reader" not in g:
        return
    user_id, started = g.pop("list_reader")
    _places.leave(str(user_id))
    seconds = time.thread_time() - started + subprocess_pool.take_seconds_spent()
    seconds += g.get("seconds_receiving", 0)
    _budgets.spend(user_id, seconds)
