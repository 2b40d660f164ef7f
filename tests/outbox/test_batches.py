"""A batch: pausing, resuming, canceling, retrying; and what its probes decide."""

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import classify, manage
from invites.lists.entries import Entry
from invites.members import accounts
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EntryOutcome,
    Invitation,
    InvitationState,
    Membership,
)
from invites.outbox import batches, claims, deliveries, requeue
from invites.outbox.batches import PROBED_SIZE
from invites.outbox.retry import SendResult
from tests.outbox.conftest import addresses, attempt_first, states
from tests.support.actions import (
    WORKER,
    actions,
    attempt,
    attempt_all,
    due,
    finish,
    refused,
    reread,
    send,
)
from tests.support.people import make_user

QUEUED, SENT, FAILED = DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.FAILED
WITHDRAWN = DeliveryState.WITHDRAWN


def test_a_paused_batch_waits_and_a_resumed_one_continues(owner, batch, now):
    attempt(Delivery.select().first(), SendResult.SENT, now)
    batches.pause(owner, batch, now)
    assert due(now) == []
    assert reread(batch).state == BatchState.PAUSED
    batches.resume(owner, batch, now)
    assert len(due(now)) == 3
    assert actions(owner.account)[-2:] == ["paused", "resumed"]


@pytest.mark.parametrize("act", [batches.resume, requeue.retry_failed])
def test_a_running_batch_cannot_be_resumed_and_one_without_failures_cannot_be_retried(
    owner, batch, now, act
):
    with refused(Reason.BATCH_CHANGED if act is batches.resume else Reason.NOTHING_TO_RETRY):
        act(owner, batch, now)


def test_a_batch_cannot_be_paused_twice(owner, batch, now):
    batches.pause(owner, batch, now)
    with refused(Reason.BATCH_CHANGED):
        batches.pause(owner, batch, now)


def test_canceling_withdraws_queued_mail_and_those_people_can_be_invited_again(owner, batch, now):
    attempt(Delivery.select().first(), SendResult.SENT, now)
    assert batches.cancel(owner, batch, now) == 3
    assert states() == [SENT, *[WITHDRAWN] * 3]
    assert [invitation.state for invitation in Invitation.select().order_by(Invitation.id)] == [
        InvitationState.PENDING,
        *[InvitationState.REVOKED] * 3,
    ]
    classification = classify.classify(owner.account, [Entry(email) for email in addresses(4)], now)
    assert classification.counts == {EntryOutcome.PENDING: 1, EntryOutcome.INVITE: 3}


def test_canceling_keeps_the_invitation_of_a_mail_that_may_have_arrived(owner, batch, now):
    first = Delivery.select().order_by(Delivery.id).first()
    attempt(first, SendResult.OUTCOME_UNKNOWN, now)
    batches.cancel(owner, batch, now)
    first = reread(first)
    assert first.state == WITHDRAWN
    assert reread(first.invitation).state == InvitationState.PENDING


class TestCanceledWhileAMailIsBeingSent:
    @pytest.fixture
    def being_sent(self, owner, batch, now):
        [mail] = claims.claim(WORKER, now, 1)
        assert batches.cancel(owner, batch, now) == 3
        return mail

    def end_with(self, mail, result, now):
        finish([mail], result, now)
        delivery = Delivery.get_by_id(mail.id)
        return delivery.state, delivery.invitation.state

    def test_it_is_sent_if_the_server_accepts_it(self, being_sent, now):
        assert self.end_with(being_sent, SendResult.SENT, now) == (SENT, InvitationState.PENDING)

    def test_it_is_withdrawn_if_it_would_be_queued_again(self, being_sent, now):
        state = self.end_with(being_sent, SendResult.DEFERRED, now)
        assert state == (WITHDRAWN, InvitationState.REVOKED)

    def test_it_is_withdrawn_if_the_worker_gives_it_back(self, being_sent, now):
        claims.give_back(WORKER, [being_sent], now)
        delivery = Delivery.get_by_id(being_sent.id)
        assert (delivery.state, delivery.invitation.state) == (WITHDRAWN, InvitationState.REVOKED)

    def test_it_is_not_retried_if_it_may_have_arrived(self, being_sent, now):
        state = self.end_with(being_sent, SendResult.OUTCOME_UNKNOWN, now)
        assert state == (WITHDRAWN, InvitationState.PENDING)

    def test_it_is_not_retried_after_the_worker_was_killed(self, being_sent, now):
        claims.recover(now)
        mail = Delivery.get_by_id(being_sent.id)
        assert (mail.state, mail.finished_at) == (WITHDRAWN, now)
        assert mail.invitation.state == InvitationState.PENDING

    def test_the_invitation_stays_if_it_is_canceled_after_the_worker_was_killed(
        self, owner, batch, now
    ):
        [mail] = claims.claim(WORKER, now, 1)
        claims.recover(now)
        batches.cancel(owner, batch, now)
        then = Delivery.get_by_id(mail.id)
        assert (then.state, then.invitation.state) == (WITHDRAWN, InvitationState.PENDING)

    @pytest.mark.usefixtures("batch")
    def test_a_person_who_is_only_reminded_keeps_their_invitation(self, owner, now):
        attempt_all(now)
        again = send(owner, now, *addresses(1))
        [mail] = claims.claim(WORKER, now, 10)
        Batch.update(state=BatchState.CANCELED).where(Batch.id == again.id).execute()
        state = self.end_with(mail, SendResult.DEFERRED, now)
        assert state == (WITHDRAWN, InvitationState.PENDING)

    def test_a_resent_mail_of_the_same_batch_stays_queued(self, owner, batch, now):
        attempt_all(now)
        manage.resend(owner, batch.invitations[0], now)
        [mail] = claims.claim(WORKER, now, 10)
        Batch.update(state=BatchState.CANCELED).execute()
        assert self.end_with(mail, SendResult.DEFERRED, now) == (QUEUED, InvitationState.PENDING)


def test_a_batch_whose_mail_was_all_sent_cannot_be_canceled(owner, batch, now):
    attempt_all(now)
    for _again in range(2):
        with refused(Reason.ALL_SENT):
            batches.cancel(owner, batch, now)
        batches.advance()
    assert reread(batch).state == BatchState.DONE


def test_a_batch_cannot_be_canceled_twice(owner, batch, now):
    batches.cancel(owner, batch, now)
    with refused(Reason.BATCH_CHANGED):
        batches.cancel(owner, reread(batch), now)


def test_canceling_returns_the_number_of_withdrawn_mails(owner, batch, now):
    first, second, *_ = Delivery.select().order_by(Delivery.id)
    attempt(first, SendResult.SENT, now)
    attempt(second, SendResult.OUTCOME_UNKNOWN, now)  # may have arrived, so its invitation stays
    assert batches.unsent(batch) == 3
    assert batches.cancel(owner, batch, now) == 3
    assert states().count(WITHDRAWN) == 3


@pytest.mark.parametrize(
    "act",
    [
        batches.pause,
        batches.resume,
        batches.cancel,
        requeue.retry_failed,
        requeue.send_on_hold,
    ],
)
def test_only_people_who_may_invite_with_its_role_may_manage_a_batch(people, now, act):
    batch = send(people[Role.OWNER], now, "x@example.org", role=Role.ADMIN)
    with refused(Reason.NOT_ALLOWED):
        act(people[Role.MODERATOR], batch, now)
    assert reread(batch).state == BatchState.RUNNING


def test_a_batch_waits_for_an_older_one_of_its_account_that_has_mail_due(owner, batch, now):
    second = send(owner, now, "eve@example.org")
    assert batches.ahead_of(second, now) == batch
    assert batches.ahead_of(batch, now) is None
    batches.pause(owner, batch, now)
    assert batches.ahead_of(second, now) is None
    batches.resume(owner, batch, now)
    attempt_first(now, *[SendResult.DEFERRED] * 4)
    assert batches.ahead_of(second, now) is None


@pytest.mark.usefixtures("batch")
def test_a_batch_does_not_wait_for_other_accounts(now):
    found = accounts.create("Elsewhere", make_user("Zoe", "zoe@example.org", now), now)
    theirs = send(Membership.get(Membership.account == found), now, "eve@example.org")
    assert batches.ahead_of(theirs, now) is None


class TestProbes:
    @pytest.fixture
    def big(self, owner, now):
        return send(owner, now, *addresses(PROBED_SIZE))

    def test_if_six_probes_fail_the_batch_stops_with_the_servers_reply(self, big, now, caplog):
        attempt_first(now, *[SendResult.FAILED] * 6, *[SendResult.SENT] * 4)
        assert due(now) == []
        assert reread(big).state == BatchState.STOPPED
        assert reread(big).stop_reason == "550 5.7.1 Not you"
        assert "stopped: 550 5.7.1 Not you" in caplog.text

    def test_withdrawn_mails_are_no_probes(self, owner, big, now):
        for mail in due(now)[:5]:
            manage.revoke(owner, Delivery.get_by_id(mail.id).invitation, now)
        for _ in range(3):
            attempt_first(now, *[SendResult.FAILED] * 5)
        assert due(now) == []
        assert reread(big).state == BatchState.STOPPED

    def test_if_five_probes_are_sent_the_rest_follows(self, big, now):
        attempt_first(now, *[SendResult.FAILED] * 5, *[SendResult.SENT] * 5)
        assert len(due(now)) == PROBED_SIZE - 10
        assert reread(big).state == BatchState.RUNNING

    @pytest.mark.usefixtures("big")
    def test_a_deferred_probe_is_no_failure(self, now):
        attempt_first(now, *[SendResult.DEFERRED] * 10)
        assert len(due(now)) == PROBED_SIZE - 10

    def test_fewer_probes_suffice_if_the_other_mails_were_withdrawn(self, big, now):
        deliveries.withdraw(Delivery.recipient.not_in(addresses(3)), now)
        attempt_first(now, *[SendResult.DEFERRED] * 2)
        assert [mail.recipient for mail in due(now)] == addresses(3)[2:]
        assert reread(big).state == BatchState.PROBING
        attempt_first(now, SendResult.DEFERRED)
        assert due(now) == []
        assert reread(big).state == BatchState.RUNNING

    @pytest.mark.usefixtures("big")
    def test_the_rest_waits_for_the_last_probe(self, now):
        attempt_first(now, *[SendResult.SENT] * 9)
        assert len(due(now)) == 1

    def test_resuming_a_stopped_batch_sends_the_rest(self, big, owner, now):
        attempt_first(now, *[SendResult.FAILED] * 10)
        assert due(now) == []
        batches.resume(owner, big, now)
        assert len(due(now)) == PROBED_SIZE - 10
        assert reread(big).stop_reason == ""

    def test_retrying_failed_probes_does_not_send_the_rest(self, big, owner, now):
        attempt_first(now, *[SendResult.FAILED] * 3)
        requeue.retry_failed(owner, big, now)
        assert len(due(now)) == 10
        assert reread(big).state == BatchState.PROBING

    def test_retrying_a_stopped_batch_sends_all_of_it(self, big, owner, now):
        attempt_first(now, *[SendResult.FAILED] * 10)
        assert due(now) == []
        requeue.retry_failed(owner, big, now)
        assert len(due(now)) == PROBED_SIZE
