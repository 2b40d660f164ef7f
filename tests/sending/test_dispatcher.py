"""Handing out mail, within the rate limit."""

import pytest

from invites.models import Delivery, Priority
from invites.outbox import queue
from invites.outbox.journal import JournalEntry
from invites.outbox.retry import Attempt, SendResult
from invites.sending.dispatcher import Dispatcher, RateLimit
from tests.support.actions import send


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("invites.sending.dispatcher.time", clock)
    return clock


def sent(rate_limit, clock, seconds, every):
    """How many mails may be sent in this time, asking every so many seconds."""
    count = 0
    until = clock.seconds + seconds
    while clock.seconds < until:
        while rate_limit.acquire():
            count += 1
        clock.seconds += every
    return count


@pytest.mark.parametrize("per_minute", [6, 60, 600, 3000, 6000])
def test_the_rate_limit_is_reached_and_not_exceeded(clock, per_minute):
    rate_limit = RateLimit()
    rate_limit.per_minute = per_minute
    made_up = 1 + max(1, per_minute / 600)
    assert 0.98 * per_minute - 1 <= sent(rate_limit, clock, 60, 0.035) <= per_minute + made_up


def test_an_hour_without_mail_allows_no_burst(clock):
    rate_limit = RateLimit()
    rate_limit.per_minute = 3000
    clock.seconds += 3600
    assert sent(rate_limit, clock, 0.01, 0.01) <= 6


def test_a_mail_that_was_not_attempted_does_not_count(clock, owner, now):
    send(owner, now, "ada@example.org", "ben@example.org")
    dispatcher = Dispatcher()
    dispatcher.rate_limit.per_minute = 1
    mail = dispatcher.take()
    assert dispatcher.take() is None
    dispatcher.finish([JournalEntry(mail, Attempt(SendResult.NOT_ATTEMPTED))])
    assert dispatcher.take() is not None


def test_urgent_mail_is_not_read_again_for_each_mail(owner, now, monkeypatch):
    send(owner, now, *(f"p{n}@example.org" for n in range(40)))
    Delivery.update(priority=Priority.SINGLE).execute()
    clock = Clock()
    monkeypatch.setattr("invites.sending.dispatcher.time", clock)
    looks = []
    urgent = queue.urgent
    monkeypatch.setattr(queue, "urgent", lambda *asked: looks.append(1) or urgent(*asked))
    dispatcher = Dispatcher()
    for _ in range(40):
        clock.seconds += 0.1
        assert dispatcher.take() is not None
    assert len(looks) <= 4 / 0.25 + 2
