"""The progress of a batch."""

from datetime import timedelta

import pytest

from invites.invitations import manage
from invites.members import answers, batch_progress
from invites.models import Delivery, DeliveryState, InvitationStatus
from invites.outbox.retry import SendResult
from tests.support.actions import attempt, due, send


@pytest.fixture
def batch(owner, now):
    return send(owner, now, *(f"p{n}@example.org" for n in range(6)))


def attempt_first(now, *results):
    for mail, result in zip(due(now), results, strict=False):
        attempt(Delivery.get_by_id(mail.id), result, now, 550, "the reply")


def test_all_mail_of_a_new_batch_is_queued(batch, now):
    so_far = batch_progress.of_batch(batch, now)
    assert (so_far.total, so_far.waiting, so_far.sent, so_far.failed) == (6, 6, 0, 0)
    assert so_far.people[InvitationStatus.PENDING] == 6
    assert so_far.undelivered == so_far.deferred == []


def test_mails_are_counted_by_state(batch, now):
    attempt_first(
        now,
        SendResult.SENT,
        SendResult.SENT,
        SendResult.FAILED,
        SendResult.DEFERRED,
        SendResult.WITHDRAWN,
    )
    so_far = batch_progress.of_batch(batch, now)
    assert (so_far.total, so_far.waiting, so_far.sent, so_far.failed) == (6, 2, 2, 1)
    assert so_far.mails[DeliveryState.WITHDRAWN] == 1


def test_people_are_counted_by_status(batch, owner, now):
    answers.decline(batch.invitations[0], now)
    manage.revoke(owner, batch.invitations[1], now)
    people = batch_progress.of_batch(batch, now).people
    assert (people[InvitationStatus.DECLINED], people[InvitationStatus.REVOKED]) == (1, 1)
    assert sum(people.values()) == 6


def test_expired_invitations_are_counted_as_expired_and_nothing_can_change(batch, now):
    attempt_first(now, *[SendResult.SENT] * 6)
    answers.decline(batch.invitations[0], now)
    assert batch_progress.of_batch(batch, now).may_change
    late = batch_progress.of_batch(batch, batch.invitations[0].expires_at)
    assert (late.people[InvitationStatus.EXPIRED], late.people[InvitationStatus.PENDING]) == (5, 0)
    assert not late.may_change


def test_a_person_with_two_mails_counts_once(batch, owner, now):
    attempt_first(now, *[SendResult.FAILED] * 2, *[SendResult.SENT] * 4)
    manage.resend(owner, batch.invitations[0], now)
    so_far = batch_progress.of_batch(batch, now)
    assert (so_far.total, so_far.waiting, so_far.sent, so_far.failed) == (6, 1, 4, 1)
    attempt_first(now, SendResult.SENT)
    so_far = batch_progress.of_batch(batch, now)
    assert (so_far.total, so_far.sent, so_far.failed) == (6, 5, 1)
    assert [mail.recipient for mail in so_far.undelivered] == ["p1@example.org"]


def test_failed_and_deferred_mails_are_listed_separately_newest_first(batch, now):
    attempt_first(now, SendResult.FAILED, SendResult.SENT, SendResult.DEFERRED, SendResult.FAILED)
    so_far = batch_progress.of_batch(batch, now)
    assert [mail.recipient for mail in so_far.undelivered] == ["p3@example.org", "p0@example.org"]
    assert [mail.recipient for mail in so_far.deferred] == ["p2@example.org"]
    assert {mail.reply_text for mail in so_far.deferred} == {"the reply"}


def test_a_bounced_mail_counts_as_failed_and_is_listed(batch, now):
    attempt_first(now, SendResult.SENT, SendResult.SENT, SendResult.FAILED)
    is_second = Delivery.recipient == "p1@example.org"
    Delivery.update(state=DeliveryState.BOUNCED).where(is_second).execute()
    so_far = batch_progress.of_batch(batch, now)
    assert (so_far.sent, so_far.failed) == (1, 2)
    assert [mail.recipient for mail in so_far.undelivered] == ["p2@example.org", "p1@example.org"]


def test_at_most_twenty_failed_mails_are_listed(owner, now):
    batch = send(owner, now, *(f"p{n}@example.org" for n in range(30)))
    attempt_first(now, *[SendResult.FAILED] * 30)
    so_far = batch_progress.of_batch(batch, now)
    assert (so_far.failed, len(so_far.undelivered)) == (30, 20)


def test_mails_of_other_batches_do_not_count(batch, owner, now):
    attempt_first(now, *[SendResult.SENT] * 6)
    send(owner, now, "other@example.org")
    attempt_first(now, SendResult.FAILED)
    so_far = batch_progress.of_batch(batch, now)
    assert (so_far.total, so_far.failed, so_far.undelivered) == (6, 0, [])
    assert sum(so_far.people.values()) == 6


def test_deferred_mails_do_not_count_for_the_time_left(batch, now):
    attempt_first(now, *[SendResult.SENT] * 4, SendResult.DEFERRED)
    soon = now + timedelta(seconds=2)
    assert batch_progress.of_batch(batch, soon).minutes_left
    attempt_first(now, SendResult.DEFERRED)
    so_far = batch_progress.of_batch(batch, soon)
    assert (so_far.waiting, so_far.per_minute > 0, so_far.minutes_left) == (2, True, None)


def test_the_reported_rate_is_never_above_the_actual_one(batch, now):
    for second in range(4):
        attempt_first(now + timedelta(seconds=second), SendResult.SENT)
        later = now + timedelta(seconds=second + 0.5)
        assert batch_progress.of_batch(batch, later).per_minute <= 60
    assert batch_progress.of_batch(batch, now + timedelta(seconds=3)).per_minute == 60


def test_deferred_mails_beyond_those_listed_do_not_count_for_the_time_left(owner, now):
    batch = send(owner, now, *(f"p{n}@example.org" for n in range(40)))
    attempt_first(now, *[SendResult.SENT] * 5, *[SendResult.DEFERRED] * 25)
    so_far = batch_progress.of_batch(batch, now + timedelta(seconds=2))
    assert so_far.minutes_left == pytest.approx(10 / so_far.per_minute)
    attempt_first(now, *[SendResult.DEFERRED] * 10)
    assert batch_progress.of_batch(batch, now + timedelta(seconds=2)).minutes_left is None
