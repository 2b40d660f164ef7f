"""What happens to a mail after one attempt."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.models import DeliveryState
from invites.outbox.retry import GIVE_UP_AFTER, MAX_DELAY, History, SendResult, decide
from tests.conftest import NOW

FINAL = {
    DeliveryState.SENT,
    DeliveryState.FAILED,
    DeliveryState.UNKNOWN,
    DeliveryState.WITHDRAWN,
}
NEW = History(NOW, attempts=0, unknown_outcomes=0)

tried = st.builds(
    History,
    created_at=st.timedeltas(timedelta(0), timedelta(days=30)).map(lambda age: NOW - age),
    attempts=st.integers(0, 10_000),
    unknown_outcomes=st.integers(0, 1),
)


@given(tried, st.sampled_from(SendResult))
def test_a_mail_is_finished_or_retried_within_hours(mail, result):
    then = decide(mail, result, NOW)
    if then.due_at is None:
        assert then.state in FINAL
    else:
        assert then.state == DeliveryState.QUEUED
        assert NOW <= then.due_at <= NOW + MAX_DELAY


@given(tried)
def test_an_accepted_mail_is_sent_whatever_happened_before(mail):
    assert decide(mail, SendResult.SENT, NOW).state == DeliveryState.SENT


@given(tried)
def test_a_failed_mail_is_never_retried(mail):
    then = decide(mail, SendResult.FAILED, NOW)
    assert (then.state, then.due_at) == (DeliveryState.FAILED, None)


def test_a_mail_without_a_reply_is_retried_once_and_then_unknown():
    first = decide(NEW, SendResult.OUTCOME_UNKNOWN, NOW)
    assert (first.state, first.unknown_outcomes) == (DeliveryState.QUEUED, 1)
    assert first.due_at > NOW + timedelta(minutes=1)
    again = History(NOW, first.attempts, first.unknown_outcomes)
    second = decide(again, SendResult.OUTCOME_UNKNOWN, first.due_at)
    assert (second.state, second.due_at) == (DeliveryState.UNKNOWN, None)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 1), (1, 2), (2, 4), (5, 32), (8, 240), (90, 240)]
)
def test_the_backoff_grows_from_a_minute_to_four_hours(attempts, minutes):
    mail = History(NOW, attempts, 0)
    pauses = [
        (decide(mail, SendResult.DEFERRED, NOW).due_at - NOW).total_seconds() for _ in range(50)
    ]
    assert minutes * 60 * 0.87 < min(pauses) <= max(pauses) < minutes * 60 * 1.13
    assert len(set(pauses)) > 1


def test_a_deferred_mail_is_retried_for_five_days():
    mail, now = NEW, NOW
    while (then := decide(mail, SendResult.DEFERRED, now)).due_at is not None:
        mail, now = History(NOW, then.attempts, 0), then.due_at
    assert then.state == DeliveryState.FAILED
    assert GIVE_UP_AFTER <= now - NOW < GIVE_UP_AFTER + MAX_DELAY


def test_mail_that_waited_a_week_for_a_mail_server_has_several_attempts():
    late = NOW + timedelta(days=7)
    assert decide(NEW, SendResult.DEFERRED, late).state == DeliveryState.QUEUED
    assert decide(History(NOW, 4, 0), SendResult.DEFERRED, late).state == DeliveryState.FAILED
