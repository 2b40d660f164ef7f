"""How far a batch is."""

from datetime import timedelta

import pytest

from invites.invitations import manage
from invites.members import answers
from invites.models import Delivery, DeliveryState, InvitationStatus
from invites.outbox import progress
from invites.outbox.retry import SendResult
from tests.support.actions import attempt, due, send


@pytest.fixture
def batch(owner, now):
    return send(owner, now, *(f"p{n}@example.org" for n in range(6)))


def finish(now, *results):
    for waiting, result in zip(due(now), results, strict=False):
        attempt(Delivery.get_by_id(waiting.id), result, now, 550, "the server's words")


def test_a_new_batch_waits(batch, now):
    so_far = progress.of_batch(batch, now)
    assert (so_far.total, so_far.waiting, so_far.sent, so_far.failed) == (6, 6, 0, 0)
    assert so_far.people[InvitationStatus.PENDING] == 6
    assert so_far.undelivered == so_far.deferred == []


def test_every_mail_is_counted_where_it_stands(batch, now):
    finish(
        now,
        SendResult.SENT,
        SendResult.SENT,
        SendResult.FAILED,
        SendResult.DEFERRED,
        SendResult.WITHDRAWN,
    )
    so_far = progress.of_batch(batch, now)
    assert (so_far.total, so_far.waiting, so_far.sent, so_far.failed) == (6, 2, 2, 1)
    assert so_far.mails[DeliveryState.WITHDRAWN] == 1


def test_every_person_is_counted_where_they_stand(batch, owner, now):
    answers.decline(batch.invitations[0], now)
    manage.revoke(owner, batch.invitations[1], now)
    people = progress.of_batch(batch, now).people
    assert (people[InvitationStatus.DECLINED], people[InvitationStatus.REVOKED]) == (1, 1)
    assert sum(people.values()) == 6


def test_people_whose_time_is_over_are_counted_as_expired_and_nothing_moves_any_more(batch, now):
    finish(now, *[SendResult.SENT] * 6)
    answers.decline(batch.invitations[0], now)
    assert progress.of_batch(batch, now).may_change
    late = progress.of_batch(batch, batch.invitations[0].expires_at)
    assert (late.people[InvitationStatus.EXPIRED], late.people[InvitationStatus.PENDING]) == (5, 0)
    assert not late.may_change


def test_a_second_mail_makes_no_second_person(batch, owner, now):
    finish(now, *[SendResult.FAILED] * 2, *[SendResult.SENT] * 4)
    manage.resend(owner, batch.invitations[0], now)
    so_far = progress.of_batch(batch, now)
    assert (so_far.total, so_far.waiting, so_far.sent, so_far.failed) == (6, 1, 4, 1)
    finish(now, SendResult.SENT)
    so_far = progress.of_batch(batch, now)
    assert (so_far.total, so_far.sent, so_far.failed) == (6, 5, 1)
    assert [mail.recipient for mail in so_far.undelivered] == ["p1@example.org"]


def test_mails_that_failed_are_shown_newest_first_apart_from_those_that_are_tried_again(batch, now):
    finish(now, SendResult.FAILED, SendResult.SENT, SendResult.DEFERRED, SendResult.FAILED)
    so_far = progress.of_batch(batch, now)
    assert [mail.recipient for mail in so_far.undelivered] == ["p3@example.org", "p0@example.org"]
    assert [mail.recipient for mail in so_far.deferred] == ["p2@example.org"]
    assert {mail.reply_text for mail in so_far.deferred} == {"the server's words"}


def test_a_mail_that_came_back_is_no_longer_sent_but_failed_and_shown(batch, now):
    finish(now, SendResult.SENT, SendResult.SENT, SendResult.FAILED)
    came_back = Delivery.recipient == "p1@example.org"
    Delivery.update(state=DeliveryState.BOUNCED).where(came_back).execute()
    so_far = progress.of_batch(batch, now)
    assert (so_far.sent, so_far.failed) == (1, 2)
    assert [mail.recipient for mail in so_far.undelivered] == ["p2@example.org", "p1@example.org"]


def test_no_more_than_twenty_troubles_are_shown(owner, now):
    batch = send(owner, now, *(f"p{n}@example.org" for n in range(30)))
    finish(now, *[SendResult.FAILED] * 30)
    so_far = progress.of_batch(batch, now)
    assert (so_far.failed, len(so_far.undelivered)) == (30, 20)


def test_another_batch_does_not_count(batch, owner, now):
    finish(now, *[SendResult.SENT] * 6)
    send(owner, now, "other@example.org")
    finish(now, SendResult.FAILED)
    so_far = progress.of_batch(batch, now)
    assert (so_far.total, so_far.failed, so_far.undelivered) == (6, 0, [])
    assert sum(so_far.people.values()) == 6


def test_mails_that_were_put_off_are_promised_for_no_minute(batch, now):
    finish(now, *[SendResult.SENT] * 4, SendResult.DEFERRED)
    soon = now + timedelta(seconds=2)
    assert progress.of_batch(batch, soon).minutes_left
    finish(now, SendResult.DEFERRED)
    so_far = progress.of_batch(batch, soon)
    assert (so_far.waiting, so_far.per_minute > 0, so_far.minutes_left) == (2, True, None)


def test_the_speed_is_never_above_the_rate_at_which_mails_go(batch, now):
    for second in range(4):
        finish(now + timedelta(seconds=second), SendResult.SENT)
        later = now + timedelta(seconds=second + 0.5)
        assert progress.of_batch(batch, later).per_minute <= 60
    assert progress.of_batch(batch, now + timedelta(seconds=3)).per_minute == 60


def test_also_when_more_were_put_off_than_are_shown(owner, now):
    batch = send(owner, now, *(f"p{n}@example.org" for n in range(40)))
    finish(now, *[SendResult.SENT] * 5, *[SendResult.DEFERRED] * 25)
    so_far = progress.of_batch(batch, now + timedelta(seconds=2))
    assert so_far.minutes_left == pytest.approx(10 / so_far.per_minute)
    finish(now, *[SendResult.DEFERRED] * 10)
    assert progress.of_batch(batch, now + timedelta(seconds=2)).minutes_left is None
