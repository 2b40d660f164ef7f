"""Steering a batch: pause, resume, cancel, retry; and what its first mails decide."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import classify, manage
from invites.lists.recipients import Entry
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
from invites.outbox import batches, deliveries, journal, progress
from invites.outbox.batches import PROBED_SIZE
from invites.outbox.journal import JournalEntry
from invites.outbox.retry import Attempt, SendResult
from tests.support.actions import actions, attempt, attempt_all, due, refused, reread, send
from tests.support.people import make_user

QUEUED, SENT, FAILED = DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.FAILED
WITHDRAWN = DeliveryState.WITHDRAWN


def addresses(number):
    return [f"p{n:02}@example.org" for n in range(number)]


@pytest.fixture
def batch(owner, now):
    return send(owner, now, *addresses(4))


def try_first(now, *results):
    for waiting, result in zip(due(now), results, strict=False):
        attempt(Delivery.get_by_id(waiting.id), result, now, 550, "5.7.1 Not you")


def states():
    return [mail.state for mail in Delivery.select().order_by(Delivery.id)]


def test_a_paused_batch_waits_and_a_resumed_one_goes_on(owner, batch, now):
    attempt(Delivery.select().first(), SendResult.SENT, now)
    batches.pause(owner, batch, now)
    assert due(now) == []
    assert reread(batch).state == BatchState.PAUSED
    batches.resume(owner, batch, now)
    assert len(due(now)) == 3
    assert actions(owner.account)[-2:] == ["paused", "resumed"]


def test_what_was_in_hand_when_a_batch_was_paused_is_not_begun(owner, batch, now):
    in_hand = due(now)
    batches.pause(owner, batch, now)
    assert not journal.write([], in_hand, now)
    assert states() == [QUEUED] * 4


@pytest.mark.parametrize("act", [batches.resume, batches.retry_failed])
def test_what_does_not_stand_still_cannot_be_resumed_and_what_did_not_fail_not_retried(
    owner, batch, now, act
):
    with refused(Reason.BATCH_CHANGED if act is batches.resume else Reason.NOTHING_TO_RETRY):
        act(owner, batch, now)


def test_two_who_press_pause_at_once_hear_that_it_is_paused_already(owner, batch, now):
    batches.pause(owner, batch, now)
    with refused(Reason.BATCH_CHANGED):
        batches.pause(owner, batch, now)


def test_cancelling_withdraws_what_is_not_sent_and_those_peoplecan_be_invited_anew(
    owner, batch, now
):
    attempt(Delivery.select().first(), SendResult.SENT, now)
    assert batches.cancel(owner, batch, now) == 3
    assert states() == [SENT, *[WITHDRAWN] * 3]
    assert [invitation.state for invitation in Invitation.select().order_by(Invitation.id)] == [
        InvitationState.PENDING,
        *[InvitationState.REVOKED] * 3,
    ]
    classification = classify.classify(owner.account, [Entry(email) for email in addresses(4)], now)
    assert classification.counts == {EntryOutcome.PENDING: 1, EntryOutcome.INVITE: 3}


def test_cancelling_leaves_a_mail_alone_that_may_have_arrived(owner, batch, now):
    attempt(Delivery.select().first(), SendResult.OUTCOME_UNKNOWN, now)
    batches.cancel(owner, batch, now)
    first = Delivery.select().first()
    assert first.state == WITHDRAWN
    assert reread(first.invitation).state == InvitationState.PENDING


class TestCancelledWhileAMailIsBeingSent:
    @pytest.fixture
    def being_sent(self, owner, batch, now):
        mail, *_ = due(now)
        assert journal.write([], [mail], now)
        assert batches.cancel(owner, batch, now) == 3
        return mail

    def end_with(self, mail, result, now):
        journal.write([JournalEntry(mail, Attempt(result))], [], now)
        delivery = Delivery.get_by_id(mail.id)
        return delivery.state, delivery.invitation.state

    def test_it_is_sent_when_the_server_takes_it(self, being_sent, now):
        assert self.end_with(being_sent, SendResult.SENT, now) == (SENT, InvitationState.PENDING)

    @pytest.mark.parametrize("result", [SendResult.DEFERRED, SendResult.NOT_ATTEMPTED])
    def test_it_is_cancelled_too_when_it_would_wait_again(self, being_sent, now, result):
        assert self.end_with(being_sent, result, now) == (WITHDRAWN, InvitationState.REVOKED)

    def test_it_is_not_sent_again_when_it_may_have_arrived(self, being_sent, now):
        state = self.end_with(being_sent, SendResult.OUTCOME_UNKNOWN, now)
        assert state == (WITHDRAWN, InvitationState.PENDING)

    def test_it_is_not_sent_again_after_the_worker_died(self, being_sent, now):
        journal.recover(now)
        mail = Delivery.get_by_id(being_sent.id)
        assert (mail.state, mail.finished_at) == (WITHDRAWN, now)
        assert mail.invitation.state == InvitationState.PENDING

    @pytest.mark.usefixtures("batch")
    def test_somebody_who_is_only_reminded_keeps_their_invitation(self, owner, now):
        attempt_all(now)
        again = send(owner, now, *addresses(1))
        [mail] = due(now)
        journal.write([], [mail], now)
        Batch.update(state=BatchState.CANCELED).where(Batch.id == again.id).execute()
        state = self.end_with(mail, SendResult.DEFERRED, now)
        assert state == (WITHDRAWN, InvitationState.PENDING)

    def test_a_personal_second_mail_of_the_same_batch_waits_on(self, owner, batch, now):
        attempt_all(now)
        manage.resend(owner, batch.invitations[0], now)
        [mail] = due(now)
        Batch.update(state=BatchState.CANCELED).execute()
        journal.write([], [mail], now)
        assert self.end_with(mail, SendResult.DEFERRED, now) == (QUEUED, InvitationState.PENDING)


def test_when_all_is_out_there_is_nothing_left_to_cancel(owner, batch, now):
    attempt_all(now)
    for _again in range(2):
        with refused(Reason.ALL_SENT):
            batches.cancel(owner, batch, now)
        batches.finish_if_done(batch)
    assert reread(batch).state == BatchState.DONE


def test_a_batch_is_cancelled_once(owner, batch, now):
    batches.cancel(owner, batch, now)
    with refused(Reason.BATCH_CHANGED):
        batches.cancel(owner, reread(batch), now)


def test_cancelling_counts_the_mails_that_it_withdraws(owner, batch, now):
    first, second, *_ = Delivery.select().order_by(Delivery.id)
    attempt(first, SendResult.SENT, now)
    attempt(second, SendResult.OUTCOME_UNKNOWN, now)  # may have arrived, so its invitation stays
    assert batches.unsent(batch) == 3
    assert batches.cancel(owner, batch, now) == 3
    assert states().count(WITHDRAWN) == 3


def test_failed_and_unanswered_mails_are_tried_again_like_new(owner, batch, now):
    try_first(now, SendResult.FAILED, SendResult.SENT)
    assert batches.retry_failed(owner, batch, now) == 1
    assert states() == [QUEUED, SENT, QUEUED, QUEUED]
    again = Delivery.select().order_by(Delivery.id).first()
    assert (again.attempts, again.finished_at) == (0, None)
    assert len(due(now)) == 3


def test_a_batch_that_was_done_runs_again_when_its_failed_mails_are_retried(owner, batch, now):
    try_first(now, SendResult.FAILED, *[SendResult.SENT] * 3)
    batches.finish_if_done(batch)
    assert reread(batch).state == BatchState.DONE
    batches.retry_failed(owner, batch, now)
    attempt_all(now)
    assert states() == [SENT] * 4


def test_what_failed_of_a_cancelled_batch_stays_canceled(owner, batch, now):
    try_first(now, SendResult.FAILED)
    batches.cancel(owner, batch, now)
    assert progress.of_batch(batch, now).retriable == 0
    with refused(Reason.NOTHING_TO_RETRY):
        batches.retry_failed(owner, batch, now)
    assert reread(batch).state == BatchState.CANCELED


def test_reminders_that_failed_are_retried_too_but_of_no_higher_role(people, now):
    owner, moderator = people[Role.OWNER], people[Role.MODERATOR]
    send(owner, now, *addresses(1), "boss@example.org")
    attempt_all(now)
    again = send(owner, now, *addresses(1), "boss@example.org")
    Invitation.update(role=Role.ADMIN).where(Invitation.email == "boss@example.org").execute()
    attempt_all(now, SendResult.FAILED)
    assert progress.of_batch(again, now).failed == 2
    assert progress.of_batch(again, now).retriable == 1
    assert batches.retry_failed(moderator, again, now) == 1
    assert [mail.recipient for mail in due(now)] == addresses(1)


def test_a_mail_that_failed_before_another_one_went_out_is_not_retried(owner, batch, now):
    try_first(now, SendResult.FAILED, SendResult.FAILED, *[SendResult.SENT] * 2)
    manage.resend(owner, batch.invitations[0], now)
    attempt_all(now)
    assert batches.retry_failed(owner, batch, now) == 1
    assert states() == [FAILED, QUEUED, *[SENT] * 3]


def test_nobody_is_mailed_again_who_can_no_longer_accept(owner, batch, now):
    try_first(now, SendResult.FAILED)
    with refused(Reason.NOTHING_TO_RETRY):
        batches.retry_failed(owner, batch, now + timedelta(days=15))


class TestHeldBackByARestore:
    @pytest.fixture(autouse=True)
    def restored(self, batch):
        changes = {"state": DeliveryState.WITHDRAWN, "reply_text": deliveries.ON_HOLD}
        Delivery.update(**changes).where(Delivery.batch == batch).execute()

    def test_the_mails_go_out_when_somebody_says_so(self, owner, batch, now):
        batches.finish_if_done(batch)
        assert batches.send_on_hold(owner, batch, now) == 4
        attempt_all(now)
        assert states() == [SENT] * 4
        assert actions(owner.account)[-1] == "sent_on_hold"

    def test_nobody_is_mailed_who_was_mailed_since_or_can_no_longer_accept(self, owner, batch, now):
        mailed, revoked, *_ = Invitation.select().order_by(Invitation.id)
        manage.resend(owner, mailed, now)
        manage.revoke(owner, revoked, now)
        assert progress.of_batch(batch, now).on_hold == 2
        assert batches.send_on_hold(owner, batch, now) == 2

    def test_what_is_sent_and_then_cancelled_is_not_held_back_any_more(self, owner, batch, now):
        batches.send_on_hold(owner, batch, now)
        batches.cancel(owner, reread(batch), now)
        Invitation.update(state=InvitationState.PENDING).execute()
        assert progress.of_batch(batch, now).on_hold == 0

    def test_what_was_cancelled_is_not_taken_for_held_back(self, owner, now):
        other = send(owner, now, "other@example.org")
        batches.cancel(owner, other, now)
        with refused(Reason.NOTHING_ON_HOLD):
            batches.send_on_hold(owner, other, now)

    def test_a_batch_that_was_paused_stays_paused(self, owner, batch, now):
        batches.pause(owner, batch, now)
        batches.send_on_hold(owner, batch, now)
        assert due(now) == []
        assert reread(batch).state == BatchState.PAUSED


@pytest.mark.parametrize(
    "act",
    [
        batches.pause,
        batches.resume,
        batches.cancel,
        batches.retry_failed,
        batches.send_on_hold,
    ],
)
def test_who_may_not_invite_as_that_role_may_not_steer_either(people, now, act):
    batch = send(people[Role.OWNER], now, "x@example.org", role=Role.ADMIN)
    with refused(Reason.NOT_ALLOWED):
        act(people[Role.MODERATOR], batch, now)
    assert reread(batch).state == BatchState.RUNNING


def test_a_batch_waits_for_an_older_one_of_its_account_while_that_has_mail_to_send(
    owner, batch, now
):
    second = send(owner, now, "eve@example.org")
    assert batches.ahead_of(second, now) == batch
    assert batches.ahead_of(batch, now) is None
    batches.pause(owner, batch, now)
    assert batches.ahead_of(second, now) is None
    batches.resume(owner, batch, now)
    try_first(now, *[SendResult.DEFERRED] * 4)
    assert batches.ahead_of(second, now) is None


@pytest.mark.usefixtures("batch")
def test_batches_of_other_accounts_are_not_waited_for(now):
    found = accounts.create("Elsewhere", make_user("Zoe", "zoe@example.org", now), now)
    theirs = send(Membership.get(Membership.account == found), now, "eve@example.org")
    assert batches.ahead_of(theirs, now) is None


class TestTheFirstTen:
    @pytest.fixture
    def big(self, owner, now):
        return send(owner, now, *addresses(PROBED_SIZE))

    def test_when_six_fail_the_batch_stops_with_the_servers_words(self, big, now, caplog):
        try_first(now, *[SendResult.FAILED] * 6, *[SendResult.SENT] * 4)
        assert due(now) == []
        assert reread(big).state == BatchState.STOPPED
        assert reread(big).stop_reason == "550 5.7.1 Not you"
        assert "stopped: 550 5.7.1 Not you" in caplog.text

    def test_mails_that_were_withdrawn_say_nothing_for_the_rest(self, owner, big, now):
        for mail in due(now)[:5]:
            manage.revoke(owner, Delivery.get_by_id(mail.id).invitation, now)
        for _ in range(3):
            try_first(now, *[SendResult.FAILED] * 5)
        assert due(now) == []
        assert reread(big).state == BatchState.STOPPED

    def test_when_five_get_through_the_rest_follows(self, big, now):
        try_first(now, *[SendResult.FAILED] * 5, *[SendResult.SENT] * 5)
        assert len(due(now)) == PROBED_SIZE - 10
        assert reread(big).state == BatchState.RUNNING

    @pytest.mark.usefixtures("big")
    def test_greylisting_is_no_failure(self, now):
        try_first(now, *[SendResult.DEFERRED] * 10)
        assert len(due(now)) == PROBED_SIZE - 10

    @pytest.mark.usefixtures("big")
    def test_the_rest_waits_while_one_of_them_is_under_way(self, now):
        try_first(now, *[SendResult.SENT] * 9)
        assert len(due(now)) == 1

    def test_who_resumes_a_stopped_batch_is_obeyed(self, big, owner, now):
        try_first(now, *[SendResult.FAILED] * 10)
        assert due(now) == []
        batches.resume(owner, big, now)
        assert len(due(now)) == PROBED_SIZE - 10
        assert reread(big).stop_reason == ""

    def test_who_retries_before_they_are_through_lets_no_others_go(self, big, owner, now):
        try_first(now, *[SendResult.FAILED] * 3)
        batches.retry_failed(owner, big, now)
        assert len(due(now)) == 10
        assert reread(big).state == BatchState.PROBING

    def test_who_retries_a_stopped_batch_gets_all_of_it(self, big, owner, now):
        try_first(now, *[SendResult.FAILED] * 10)
        assert due(now) == []
        batches.retry_failed(owner, big, now)
        assert len(due(now)) == PROBED_SIZE
