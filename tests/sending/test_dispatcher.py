"""Handing out what is due, no faster than allowed."""

import pytest

from invites.models import Delivery, Priority
from invites.outbox import queue
from invites.outbox.journal import JournalEntry
from invites.outbox.retry import Attempt, SendResult
from invites.sending.dispatcher import Dispatcher, RateLimit
from tests.support.actions import send


class Clock:
    """A clock that is told when it is."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("invites.sending.dispatcher.time", clock)
    return clock


def gone(rate_limit, clock, seconds, every):
    """How many mails go in this time when somebody looks ``every`` so many seconds."""
    count = 0
    until = clock.seconds + seconds
    while clock.seconds < until:
        while rate_limit.acquire():
            count += 1
        clock.seconds += every
    return count


@pytest.mark.parametrize("per_minute", [6, 60, 600, 3000, 6000])
def test_a_rate_is_reached_and_not_exceeded_by_whoever_looks_each_35_milliseconds(
    clock, per_minute
):
    rate_limit = RateLimit()
    rate_limit.per_minute = per_minute
    caught_up = 1 + max(1, per_minute / 600)
    assert 0.98 * per_minute - 1 <= gone(rate_limit, clock, 60, 0.035) <= per_minute + caught_up


def test_after_an_hour_without_mail_no_burst_goes_out(clock):
    rate_limit = RateLimit()
    rate_limit.per_minute = 3000
    clock.seconds += 3600
    assert gone(rate_limit, clock, 0.01, 0.01) <= 6


def test_what_was_not_tried_uses_up_nothing_of_the_rate(clock, owner, now):
    send(owner, now, "ada@example.org", "ben@example.org")
    dispatcher = Dispatcher()
    dispatcher.rate_limit.per_minute = 1
    mail = dispatcher.take()
    assert dispatcher.take() is None
    dispatcher.finish([JournalEntry(mail, Attempt(SendResult.NOT_ATTEMPTED))])
    assert dispatcher.take() is not None


def test_a_long_line_of_urgent_mail_is_not_read_anew_for_each(owner, now, monkeypatch):
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
