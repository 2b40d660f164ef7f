"""Limits how many lists of New Invitation are read at once, and how long per person.

Counts are in memory, so there must be only one web process.
"""

import time
from collections import Counter
from math import ceil
from threading import Lock

import limits
from flask import Flask, Response, g
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from invites.invitations import subprocess_pool
from invites.web.htmx import is_htmx
from invites.web.responses import show

_PLACES = 4  # requests with lists at a time; gunicorn has 32 threads
_PLACES_PER_PERSON = 2
# Milliseconds per person: of CPU time, and of receiving the form, which occupies a place too.
_BUDGET = limits.parse("20000 per minute")
_RETRY_AFTER = 3  # seconds; most lists take less than one

_budget = FixedWindowRateLimiter(MemoryStorage())
_lock = Lock()
_taken: Counter[int] = Counter()  # places, by user


def init_app(app: Flask) -> None:
    app.teardown_request(_leave)


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
    if not _budget.test(_BUDGET, str(user_id)):
        reset = _budget.get_window_stats(_BUDGET, str(user_id)).reset_time
        return max(1, ceil(reset - time.time()))
    with _lock:
        if _taken.total() >= _PLACES or _taken[user_id] >= _PLACES_PER_PERSON:
            return _RETRY_AFTER
        _taken[user_id] += 1
    return 0


def _leave(_error: BaseException | None) -> None:
    if "list_reader" not in g:
        return
    user_id, started = g.pop("list_reader")
    with _lock:
        _taken[user_id] -= 1
    seconds = time.thread_time() - started + subprocess_pool.take_seconds_spent()
    seconds += g.get("seconds_receiving", 0)
    _budget.hit(_BUDGET, str(user_id), cost=ceil(1000 * seconds))
