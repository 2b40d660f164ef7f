"""Queuing mail again that failed, or that a restore put on hold."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import batch_progress
from invites.models import BatchState, Delivery, DeliveryState, Invitation, InvitationState
from invites.outbox import batches, deliveries, requeue
from invites.outbox.retry import SendResult
from tests.outbox.conftest import addresses, attempt_first, states
from tests.support.actions import actions, attempt_all, due, refused, reread, send

QUEUED, SENT, FAILED = DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.FAILED


def test_retrying_queues_failed_mails_as_if_they_were_new(owner, batch, now):
    attempt_first(now, SendResult.FAILED, SendResult.SENT)
    assert requeue.retry_failed(owner, batch, now) == 1
    assert states() == [QUEUED, SENT, QUEUED, QUEUED]
    again = Delivery.select().order_by(Delivery.id).first()
    assert (again.attempts, again.finished_at) == (0, None)
    assert len(due(now)) == 3


def test_retrying_restarts_a_batch_that_was_done(owner, batch, now):
    attempt_first(now, SendResult.FAILED, *[SendResult.SENT] * 3)
    batches.advance()
    assert reread(batch).state == BatchState.DONE
    requeue.retry_failed(owner, batch, now)
    attempt_all(now)
    assert states() == [SENT] * 4


def test_failed_mails_of_a_canceled_batch_cannot_be_retried(owner, batch, now):
    attempt_first(now, SendResult.FAILED)
    batches.cancel(owner, batch, now)
    assert batch_progress.of_batch(batch, now).retriable == 0
    with refused(Reason.NOTHING_TO_RETRY):
        requeue.retry_failed(owner, batch, now)
    assert reread(batch).state == BatchState.CANCELED


def test_failed_reminders_are_retried_unless_they_are_for_a_higher_role(people, now):
    owner, moderator = people[Role.OWNER], people[Role.MODERATOR]
    send(owner, now, *addresses(1), "boss@example.org")
    attempt_all(now)
    again = send(owner, now, *addresses(1), "boss@example.org")
    Invitation.update(role=Role.ADMIN).where(Invitation.email == "boss@example.org").execute()
    attempt_all(now, SendResult.FAILED)
    assert batch_progress.of_batch(again, now).failed == 2
    assert batch_progress.of_batch(again, now).retriable == 1
    assert requeue.retry_failed(moderator, again, now) == 1
    assert [mail.recipient for mail in due(now)] == addresses(1)


def test_a_failed_mail_is_not_retried_if_a_later_one_was_sent(owner, batch, now):
    attempt_first(now, SendResult.FAILED, SendResult.FAILED, *[SendResult.SENT] * 2)
    manage.resend(owner, batch.invitations[0], now)
    attempt_all(now)
    assert requeue.retry_failed(owner, batch, now) == 1
    assert states() == [FAILED, QUEUED, *[SENT] * 3]


def test_mail_to_people_who_can_no_longer_accept_is_not_retried(owner, batch, now):
    attempt_first(now, SendResult.FAILED)
    with refused(Reason.NOTHING_TO_RETRY):
        requeue.retry_failed(owner, batch, now + timedelta(days=15))


class TestOnHoldAfterARestore:
    @pytest.fixture(autouse=True)
    def restored(self, batch):
        changes = {"state": DeliveryState.WITHDRAWN, "reply_text": deliveries.ON_HOLD}
        Delivery.update(**changes).where(Delivery.batch == batch).execute()

    def test_mail_on_hold_can_be_sent(self, owner, batch, now):
        batches.advance()
        assert requeue.send_on_hold(owner, batch, now) == 4
        attempt_all(now)
        assert states() == [SENT] * 4
        assert actions(owner.account)[-1] == "sent_on_hold"

    def test_people_with_a_later_mail_or_a_closed_invitation_are_skipped(self, owner, batch, now):
        mailed, revoked, *_ = Invitation.select().order_by(Invitation.id)
        manage.resend(owner, mailed, now)
        manage.revoke(owner, revoked, now)
        assert batch_progress.of_batch(batch, now).on_hold == 2
        assert requeue.send_on_hold(owner, batch, now) == 2

    def test_mail_that_is_released_and_then_canceled_is_no_longer_on_hold(self, owner, batch, now):
        requeue.send_on_hold(owner, batch, now)
        batches.cancel(owner, reread(batch), now)
        Invitation.update(state=InvitationState.PENDING).execute()
        assert batch_progress.of_batch(batch, now).on_hold == 0

    def test_canceled_mail_is_not_on_hold(self, owner, now):
        other = send(owner, now, "other@example.org")
        batches.cancel(owner, other, now)
        with refused(Reason.NOTHING_ON_HOLD):
            requeue.send_on_hold(owner, other, now)

    def test_a_batch_that_was_paused_stays_paused(self, owner, batch, now):
        batches.pause(owner, batch, now)
        requeue.send_on_hold(owner, batch, now)
        assert due(now) == []
        assert reread(batch).state == BatchState.PAUSED
