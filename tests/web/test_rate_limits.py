"""What counting requests costs. How many are allowed is tested with each form."""

import time
from datetime import datetime, timedelta

from flask import Flask
from time_machine import travel

from invites.web.rate_limits import _limiter
from tests.support.browsing import Browser
from tests.support.people import People


def counts(app: Flask) -> int:
    with app.app_context():
        storage = _limiter().storage
    kept = (storage.storage, storage.events, storage.expirations, storage.locks)
    return max(map(len, kept))


def test_a_stranger_adds_few_counts_whatever_they_type(
    app: Flask, people: People, somebody: Browser
) -> None:
    page = somebody.open("/password-reset").page
    form = {"csrf_token": page.select_one("[name=csrf_token]")["value"]}
    for number in range(100):
        somebody.client.post("/password-reset", data=form | {"email": f"a{number}@example.org"})
        somebody.client.post(f"/unsubscribe/{number}-{'x' * 1_000}/return", data=form)
    assert counts(app) <= 62


def test_counts_are_forgotten_when_their_time_is_over(
    app: Flask, people: People, somebody: Browser, now: datetime
) -> None:
    for number in range(5):
        somebody.log_in(f"a{number}@example.org", "wrong")
    before = counts(app)
    with travel(now + timedelta(hours=2)):
        somebody.log_in("a@example.org", "wrong")
        time.sleep(0.2)  # they are deleted by a thread
        assert counts(app) < before
