"""The transactional outbox."""

from datetime import timedelta

import pytest

from invites import outbox, proofs
from invites.models import Delivery, DeliveryState, MailQueue, ProofPurpose
from invites.outbox import LEASE, Outcome, Result
from invites.tokens import Purpose
from tests.shorthand import invite, reread, send

MINUTE = timedelta(minutes=1)
SENT = Outcome(Result.SENT, 250, "2.0.0 Ok")
RETRY = Outcome(Result.RETRY, 451, "4.7.1 Try again later")
FAILED = Outcome(Result.FAILED, 550, "5.1.1 No such user")
WITHDRAWN = Outcome(Result.WITHDRAWN)


@pytest.fixture
def delivery(owner, now):
    return Delivery.get(Delivery.invitation == invite(owner, now))


def attempt(delivery, outcome, moment):
    assert outbox.start(delivery, moment)
    outbox.finish(delivery, outcome, moment)
    return reread(delivery)


def recipients(deliveries):
    return [delivery.recipient for delivery in deliveries]


def test_personal_mail_goes_first_then_single_invitations_then_batches(people, owner, now):
    (invitation,) = send(owner, now, "bulk@example.org").invitations
    invitation.email = "single@example.org"
    outbox.queue_invitation(invitation, now)
    proofs.ask(owner.user, ProofPurpose.RESET_PASSWORD, "personal@example.org", now)
    expected = ["personal@example.org", "single@example.org", "bulk@example.org"]
    assert recipients(outbox.claim(now, 10)) == expected


def test_mails_of_a_batch_go_out_in_order_and_as_many_as_asked_for(owner, now):
    send(owner, now, *(f"p{n}@example.org" for n in range(5)))
    assert recipients(outbox.claim(now, 2)) == ["p0@example.org", "p1@example.org"]
    assert recipients(outbox.claim(now, 10)) == [
        "p2@example.org",
        "p3@example.org",
        "p4@example.org",
    ]
    assert outbox.claim(now, 10) == []


def test_a_mail_that_is_not_due_is_not_taken(owner, delivery, now):
    assert outbox.claim(now - MINUTE, 10) == []


def test_a_mail_taken_by_a_worker_that_died_is_due_after_its_lease(delivery, now):
    assert outbox.claim(now, 10) == [delivery]
    assert outbox.claim(now + LEASE - MINUTE, 10) == []
    assert outbox.claim(now + LEASE, 10) == [delivery]


def test_a_mail_that_was_being_sent_when_the_worker_died_is_due_after_its_lease(delivery, now):
    outbox.claim(now, 10)
    outbox.start(delivery, now + MINUTE)
    assert reread(delivery).state == DeliveryState.SENDING
    assert outbox.claim(now + LEASE, 10) == []
    assert outbox.claim(now + MINUTE + LEASE, 10) == [delivery]


def test_of_two_workers_with_one_mail_in_hand_one_starts(delivery, now):
    one, other = reread(delivery), reread(delivery)
    assert outbox.start(one, now)
    assert not outbox.start(other, now)
    assert reread(delivery).attempts == 1


@pytest.mark.parametrize("outcome", [SENT, FAILED, WITHDRAWN])
def test_a_finished_mail_is_never_taken_or_started_again(delivery, now, outcome):
    done = attempt(delivery, outcome, now)
    assert done.state == outcome.result.value
    assert done.finished_at == now
    assert outbox.claim(now + timedelta(days=99), 10) == []
    assert not outbox.start(done, now)


def test_the_mail_servers_words_are_kept(delivery, now):
    done = attempt(delivery, FAILED, now)
    assert (done.reply_code, done.reply_text) == (550, "5.1.1 No such user")
    assert done.state == DeliveryState.FAILED


def test_endless_words_of_a_mail_server_are_cut_short(delivery, now):
    assert len(attempt(delivery, Outcome(Result.FAILED, 550, "x" * 9_999), now).reply_text) == 500


def test_a_mail_that_is_put_off_is_tried_again_later_and_later(delivery, now):
    pauses = []
    for _ in range(12):
        delivery = attempt(delivery, RETRY, now)
        assert delivery.state == DeliveryState.QUEUED
        pauses.append(delivery.due_at - now)
    for number, pause in enumerate(pauses):
        minutes = min(2**number, 240)
        assert minutes * 0.87 * MINUTE < pause < minutes * 1.13 * MINUTE


def test_a_mail_is_given_up_after_five_days(delivery, now):
    for _ in range(6):
        delivery = attempt(delivery, RETRY, now)
    almost = now + timedelta(days=5) - MINUTE
    assert attempt(delivery, RETRY, almost).state == DeliveryState.QUEUED
    delivery = attempt(reread(delivery), RETRY, now + timedelta(days=5))
    assert (delivery.state, delivery.reply_code) == (DeliveryState.FAILED, 451)


def test_mail_that_waited_a_week_for_a_mail_server_is_tried_more_than_once(delivery, now):
    late = now + timedelta(days=7)
    assert attempt(delivery, RETRY, late).state == DeliveryState.QUEUED


def test_who_comes_late_with_an_outcome_does_not_undo_that_the_mail_was_sent(delivery, now):
    slow = reread(delivery)
    outbox.start(slow, now)
    attempt(reread(delivery), SENT, now + LEASE)
    for outcome in (RETRY, FAILED):
        outbox.finish(slow, outcome, now + 2 * LEASE)
        assert reread(delivery).state == DeliveryState.SENT
        assert reread(delivery).reply_code == 250


def test_a_mail_that_is_given_back_is_due_at_once_for_anybody(delivery, now):
    outbox.give_back(outbox.claim(now, 10), now)
    assert reread(delivery).state == DeliveryState.QUEUED
    assert outbox.claim(now, 10) == [delivery]


def test_who_gives_back_too_late_takes_nothing_from_another_worker(delivery, now):
    slow = outbox.claim(now, 10)
    later = now + LEASE
    quick = outbox.claim(later, 10)
    outbox.start(quick[0], later)
    outbox.give_back(slow, later)
    outbox.finish(slow[0], RETRY, later)
    assert reread(delivery).state == DeliveryState.SENDING
    assert outbox.claim(later, 10) == []


def test_giving_back_leaves_a_finished_mail_finished(delivery, now):
    attempt(delivery, SENT, now)
    outbox.give_back([delivery], now)
    assert reread(delivery).state == DeliveryState.SENT


def test_the_outbox_holds_no_usable_link(owner, signer, now):
    delivery = Delivery.get(Delivery.invitation == invite(owner, now))
    token = signer.token(Purpose.MAILED_INVITATION, delivery.invitation)
    assert token not in repr(delivery.__data__)


def test_a_worker_is_seen_while_it_gives_signs_of_life(database, now):
    assert not outbox.worker_seen(now)
    outbox.beat(now)
    assert outbox.worker_seen(now + MINUTE)
    assert not outbox.worker_seen(now + 2 * MINUTE)


def test_what_keeps_the_worker_from_sending_is_told_until_it_is_over(database, now):
    assert outbox.trouble() == ""
    outbox.beat(now, "connection refused " * 100)
    assert outbox.trouble().startswith("connection refused")
    assert len(outbox.trouble()) == 500
    outbox.beat(now + MINUTE)
    assert outbox.trouble() == ""
    assert MailQueue.select().count() == 1
