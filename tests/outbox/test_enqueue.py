"""Queuing mail."""

from datetime import timedelta

from invites.core.tokens import Purpose
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EmailTokenPurpose,
)
from invites.outbox import batches, enqueue
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


def test_a_large_batch_begins_with_probes(owner, now):
    small = send(owner, now, *(f"s{n}@example.org" for n in range(batches.PROBED_SIZE - 1)))
    big = send(owner, now, *(f"b{n}@example.org" for n in range(batches.PROBED_SIZE)))
    assert reread(small).state == BatchState.RUNNING
    assert reread(big).state == BatchState.PROBING
    assert Batch.select().count() == 2


def test_resent_invitations_and_password_links_have_a_higher_priority_than_batches(owner, now):
    enqueue.queue_invitation(invite(owner, now), now)
    email_tokens.send_link(
        owner.user, EmailTokenPurpose.RESET_PASSWORD, "personal@example.org", now
    )
    assert [mail.priority for mail in Delivery.select().order_by(Delivery.id)] == [
        Priority.BULK,
        Priority.SINGLE,
        Priority.PERSONAL,
    ]


def test_the_outbox_contains_no_usable_link(owner, signer, now):
    delivery = Delivery.get(Delivery.invitation == invite(owner, now))
    token = signer.token(Purpose.MAILED_INVITATION, delivery.invitation)
    assert token not in repr(delivery.__data__)
