"""The transactional outbox: what is queued, and how the worker is."""

from datetime import timedelta

from invites.core.tokens import Purpose
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EmailTokenPurpose,
    WorkerStatus,
)
from invites.outbox import batches, enqueue, heartbeat
from invites.outbox.enqueue import Priority
from invites.people import email_tokens
from tests.support.actions import invite, reread, send

MINUTE = timedelta(minutes=1)


def test_every_invitation_of_a_batch_gets_one_mail_in_the_order_of_the_list(owner, now):
    people = [f"p{n}@example.org" for n in range(5)]
    batch = send(owner, now, *people)
    mails = list(Delivery.select().order_by(Delivery.id))
    assert [mail.recipient for mail in mails] == people
    assert {mail.state for mail in mails} == {DeliveryState.QUEUED}
    assert {mail.priority for mail in mails} == {Priority.BULK}
    assert {mail.batch_id for mail in mails} == {batch.id}


def test_of_a_big_batch_the_first_mails_are_tried_before_the_rest(owner, now):
    small = send(owner, now, *(f"s{n}@example.org" for n in range(batches.PROBED_SIZE - 1)))
    big = send(owner, now, *(f"b{n}@example.org" for n in range(batches.PROBED_SIZE)))
    assert reread(small).state == BatchState.RUNNING
    assert reread(big).state == BatchState.PROBING
    assert Batch.select().count() == 2


def test_a_resent_invitation_and_a_password_link_are_more_urgent_than_a_batch(owner, now):
    enqueue.queue_invitation(invite(owner, now), now)
    email_tokens.send_link(
        owner.user, EmailTokenPurpose.RESET_PASSWORD, "personal@example.org", now
    )
    assert [mail.priority for mail in Delivery.select().order_by(Delivery.id)] == [
        Priority.BULK,
        Priority.SINGLE,
        Priority.PERSONAL,
    ]


def test_the_outbox_holds_no_usable_link(owner, signer, now):
    delivery = Delivery.get(Delivery.invitation == invite(owner, now))
    token = signer.token(Purpose.MAILED_INVITATION, delivery.invitation)
    assert token not in repr(delivery.__data__)


def test_a_worker_is_seen_while_it_gives_signs_of_life(database, now):
    assert not heartbeat.worker_is_running(now)
    heartbeat.record(now)
    assert heartbeat.worker_is_running(now + MINUTE)
    assert not heartbeat.worker_is_running(now + 2 * MINUTE)


def test_a_worker_that_was_told_to_stop_is_not_seen_any_more(database, now):
    heartbeat.record(now, "connection refused")
    heartbeat.clear()
    assert not heartbeat.worker_is_running(now)
    assert heartbeat.outage() == ""


def test_what_keeps_the_worker_from_sending_is_told_until_it_is_over(database, now):
    assert heartbeat.outage() == ""
    heartbeat.record(now, "connection refused " * 100)
    assert heartbeat.outage().startswith("connection refused")
    assert len(heartbeat.outage()) == 500
    heartbeat.record(now + MINUTE)
    assert heartbeat.outage() == ""
    assert WorkerStatus.select().count() == 1
