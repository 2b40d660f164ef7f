"""Handing out mail, within the rate limit."""

from collections import Counter

import pytest

from invites.invitations import manage
from invites.mail.builder import MailBuilder
from invites.models import Batch, BatchState, Delivery, DeliveryState, EmailTokenPurpose, Invitation
from invites.outbox import batches
from invites.outbox.outcomes import Outcome
from invites.outbox.retry import Attempt, SendResult
from invites.people import email_tokens
from invites.sending.dispatcher import Dispatcher
from invites.sending.rate_limit import RateLimit
from tests.support.actions import WORKER, reread, send

QUEUED, SENDING, SENT = DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SENT


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("invites.sending.dispatcher.time", clock)
    monkeypatch.setattr("invites.sending.rate_limit.time", clock)
    return clock


@pytest.fixture
def dispatcher(app):
    with app.app_context():
        yield Dispatcher(WORKER, MailBuilder(app.extensions["invites"].mail_context))


@pytest.fixture
def running_batch(owner, now):
    """A batch of a hundred mails without probes."""
    batch = send(owner, now, *(f"p{n}@example.org" for n in range(100)))
    Batch.update(state=BatchState.RUNNING).execute()
    return reread(batch)


def sent(rate_limit, clock, seconds, every):
    """How many mails may be sent in this time, asking every so many seconds."""
    count = 0
    until = clock.seconds + seconds
    while clock.seconds < until:
        while rate_limit.allows_one():
            rate_limit.count()
            count += 1
        clock.seconds += every
    return count


@pytest.mark.parametrize("per_minute", [6, 60, 600, 3000, 6000])
def test_the_rate_limit_is_reached_and_not_exceeded(clock, per_minute):
    rate_limit = RateLimit()
    rate_limit.change(per_minute)
    made_up = 1 + max(1, per_minute / 600)
    assert 0.98 * per_minute - 1 <= sent(rate_limit, clock, 60, 0.035) <= per_minute + made_up


def test_an_hour_without_mail_allows_no_burst(clock):
    rate_limit = RateLimit()
    rate_limit.change(3000)
    clock.seconds += 3600
    assert sent(rate_limit, clock, 0.01, 0.01) <= 6


def test_a_higher_rate_limit_applies_at_once(clock):
    rate_limit = RateLimit()
    rate_limit.change(1)
    assert sent(rate_limit, clock, 1, 0.1) >= 1
    rate_limit.change(6000)
    assert sent(rate_limit, clock, 1, 0.01) > 90


def test_a_mail_that_was_not_attempted_does_not_count(clock, owner, now, dispatcher):
    send(owner, now, "ada@example.org", "ben@example.org")
    dispatcher.rate_limit.change(1)
    message = dispatcher.next_message()
    assert dispatcher.next_message() is None
    dispatcher.return_unsent([message.mail])
    dispatcher.maintain()
    assert dispatcher.next_message().mail == message.mail


def take(dispatcher, number):
    return [dispatcher.next_message().mail.recipient for _ in range(number)]


def states():
    return Counter(mail.state for mail in Delivery.select())


def test_a_claim_has_twice_as_many_mails_while_they_are_sent_quickly(
    clock, running_batch, dispatcher
):
    claimed = []
    for _ in range(100):
        dispatcher.next_message()
        claimed.append(states()[SENDING])
    assert max(claimed) == 100
    assert len(set(claimed)) == 7  # 1, 2, 4, 8, 16, 32 and the rest


def test_a_claim_is_given_back_after_half_a_second(clock, running_batch, dispatcher):
    take(dispatcher, 40)
    assert states()[SENDING] == 63
    clock.seconds += 0.6
    dispatcher.maintain()
    assert states() == {QUEUED: 60, SENDING: 40}


@pytest.mark.parametrize("halt", [batches.pause, batches.cancel])
def test_mail_claimed_before_a_pause_or_cancel_is_not_taken_half_a_second_later(
    clock, owner, running_batch, dispatcher, now, halt
):
    take(dispatcher, 40)
    halt(owner, running_batch, now)
    clock.seconds += 0.6
    assert dispatcher.next_message() is None
    assert states()[SENDING] == 40


def test_the_next_claim_is_no_larger_than_what_was_sent_of_the_last_one(
    clock, running_batch, dispatcher
):
    take(dispatcher, 40)
    clock.seconds += 0.6
    take(dispatcher, 1)
    assert states()[SENDING] == 40 + 9  # 9 of the last 32 had been taken


def test_urgent_mail_is_taken_within_half_a_second(clock, owner, running_batch, dispatcher, now):
    take(dispatcher, 40)
    reset = EmailTokenPurpose.RESET_PASSWORD
    email_tokens.send_link(owner.user, reset, "olive@example.org", now)
    clock.seconds += 0.6
    assert take(dispatcher, 1) == ["olive@example.org"]


def test_outcomes_are_in_their_deliveries_after_a_quarter_of_a_second(
    clock, running_batch, dispatcher
):
    mail = dispatcher.next_message().mail
    dispatcher.add_outcomes([Outcome(mail, Attempt(SendResult.SENT, 250, "2.0.0 Ok"))])
    dispatcher.store_outcomes()
    dispatcher.maintain()
    assert states() == {QUEUED: 99, SENDING: 1}
    clock.seconds += 0.3
    dispatcher.maintain()
    assert states() == {QUEUED: 99, SENT: 1}
    assert reread(Delivery.get_by_id(mail.id)).reply_text == "2.0.0 Ok"


def test_a_closed_dispatcher_leaves_nothing_claimed(clock, running_batch, dispatcher):
    first, *_ = [dispatcher.next_message().mail for _ in range(40)]
    dispatcher.add_outcomes([Outcome(first, Attempt(SendResult.SENT))])
    dispatcher.close()
    assert states() == {SENT: 1, QUEUED: 60, SENDING: 39}  # those 39 are on their way


def test_a_mail_that_a_connection_returns_is_not_sent_once_it_was_revoked(
    clock, owner, running_batch, now, dispatcher
):
    mail = dispatcher.next_message().mail
    manage.revoke(owner, Invitation.get_by_id(mail.invitation.id), now)
    dispatcher.return_unsent([mail])
    dispatcher.maintain()
    assert reread(Delivery.get_by_id(mail.id)).state == DeliveryState.WITHDRAWN
