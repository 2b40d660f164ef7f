"""What happens to a mail after one attempt."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.models import DeliveryState, Priority
from invites.outbox.queue import MAX_DELAY, QueuedMail
from invites.outbox.retry import GIVE_UP_AFTER, SendResult, decide
from tests.conftest import NOW

FINAL = {
    DeliveryState.SENT,
    DeliveryState.FAILED,
    DeliveryState.UNKNOWN,
    DeliveryState.WITHDRAWN,
}


def mail_with(*, created_at=NOW, attempts=0, unknown_outcomes=0):
    return QueuedMail(
        id=1,
        recipient="ada@example.org",
        attempts=attempts,
        unknown_outcomes=unknown_outcomes,
        account_id=None,
        batch_id=None,
        created_at=created_at,
        priority=Priority.SINGLE,
        has_profile=False,
        invitation=None,
    )


NEW = mail_with()

tried = st.builds(
    mail_with,
    created_at=st.timedeltas(timedelta(0), timedelta(days=30)).map(lambda age: NOW - age),
    attempts=st.integers(0, 10_000),
    unknown_outcomes=st.integers(0, 1),
)


@given(tried, st.sampled_from(SendResult))
def test_a_mail_is_finished_or_retried_within_hours(mail, result):
    state, retry_at = decide(mail, result, NOW)
    if retry_at is None:
        assert state in FINAL
    else:
        assert state == DeliveryState.QUEUED
        assert NOW <= retry_at <= NOW + MAX_DELAY


@given(tried)
def test_an_accepted_mail_is_sent_whatever_happened_before(mail):
    assert decide(mail, SendResult.SENT, NOW) == (DeliveryState.SENT, None)


@given(tried)
def test_a_failed_mail_is_never_retried(mail):
    assert decide(mail, SendResult.FAILED, NOW) == (DeliveryState.FAILED, None)


def test_a_mail_without_a_reply_is_retried_once_and_then_unknown():
    state, retry_at = decide(NEW, SendResult.OUTCOME_UNKNOWN, NOW)
    assert state == DeliveryState.QUEUED
    assert retry_at > NOW + timedelta(minutes=1)
    again = mail_with(attempts=1, unknown_outcomes=1)
    assert decide(again, SendResult.OUTCOME_UNKNOWN, retry_at) == (DeliveryState.UNKNOWN, None)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 1), (1, 2), (2, 4), (5, 32), (8, 240), (90, 240)]
)
def test_the_backoff_grows_from_a_minute_to_four_hours(attempts, minutes):
    mail = mail_with(attempts=attempts)
    pauses = [(decide(mail, SendResult.DEFERRED, NOW)[1] - NOW).total_seconds() for _ in range(50)]
    assert minutes * 60 * 0.87 < min(pauses) <= max(pauses) < minutes * 60 * 1.13
    assert len(set(pauses)) > 1


def test_a_deferred_mail_is_retried_for_five_days():
    mail, now = NEW, NOW
    state = DeliveryState.QUEUED
    while state == DeliveryState.QUEUED:
        tried_at = now
        state, now = decide(mail, SendResult.DEFERRED, tried_at)
        mail = mail_with(attempts=mail.attempts + 1)
    assert state == DeliveryState.FAILED
    assert GIVE_UP_AFTER <= tried_at - NOW < GIVE_UP_AFTER + MAX_DELAY


def test_mail_that_waited_a_week_for_a_mail_server_has_several_attempts():
    late = NOW + timedelta(days=7)
    assert decide(NEW, SendResult.DEFERRED, late)[0] == DeliveryState.QUEUED
    fifth = decide(mail_with(attempts=4), SendResult.DEFERRED, late)
    assert fifth == (DeliveryState.FAILED, None)
