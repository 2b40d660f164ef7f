"""Which mail is sent next."""

import re
from datetime import timedelta

import pytest

from invites import db
from invites.members import accounts, installation
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EmailTokenPurpose,
    Invitation,
    Membership,
)
from invites.outbox import batches, claims, enqueue, queue
from invites.outbox.batches import PROBED_SIZE
from invites.outbox.queue import MAX_DELAY
from invites.people import email_tokens
from tests.support.actions import WORKER, invite, reread, send
from tests.support.people import make_user
from tests.support.postgres import sqlite_only

MINUTE = timedelta(minutes=1)


def recipients(mails):
    return [mail.recipient for mail in mails]


def people(prefix, number):
    return [f"{prefix}{n}@example.org" for n in range(number)]


def set_state(state, *batches):
    Batch.update(state=state).where(Batch.id.in_(batches)).execute()


def test_urgent_mail_is_personal_mail_then_single_invitations(owner, now):
    (invitation,) = send(owner, now, "bulk@example.org").invitations
    invitation.email = "single@example.org"
    enqueue.queue_invitation(invitation, now)
    email_tokens.send_link(
        owner.user, EmailTokenPurpose.RESET_PASSWORD, "personal@example.org", now
    )
    assert recipients(queue.urgent(now, 10)) == ["personal@example.org", "single@example.org"]
    assert recipients(queue.urgent(now, 1)) == ["personal@example.org"]
    assert recipients(queue.bulk(now, 10)) == ["bulk@example.org"]


def test_mails_of_a_batch_come_in_order_up_to_the_limit(owner, now):
    send(owner, now, *people("p", 5))
    assert recipients(queue.bulk(now, 2)) == people("p", 2)
    assert recipients(queue.bulk(now, 10)) == people("p", 5)


def test_two_accounts_take_turns(owner, now):
    found = accounts.create("Elsewhere", make_user("Zoe", "zoe@example.org", now), now)
    send(owner, now, *people("one", 30))
    send(Membership.get(Membership.account == found), now, *people("other", 3))
    assert recipients(queue.bulk(now, 8)) == [
        "one0@example.org",
        "other0@example.org",
        "one1@example.org",
        "other1@example.org",
        "one2@example.org",
        "other2@example.org",
        "one3@example.org",
        "one4@example.org",
    ]


def test_an_accounts_older_batch_comes_first_and_its_retries_do_not_block_the_next(owner, now):
    first = send(owner, now, *people("first", 2))
    send(owner, now, *people("second", 2))
    assert recipients(queue.bulk(now, 10)) == people("first", 2)
    Delivery.update(due_at=now + MINUTE).where(Delivery.batch == first).execute()
    assert recipients(queue.bulk(now, 10)) == people("second", 2)
    assert recipients(queue.bulk(now + MINUTE, 10)) == people("first", 2)


def test_accounts_take_turns_from_one_claim_to_the_next(owner, now):
    members = [owner]
    for n in range(2):
        found = accounts.create(f"Number {n}", make_user("Zoe", f"zoe{n}@example.org", now), now)
        members.append(Membership.get(Membership.account == found))
    for number, member in enumerate(members):
        send(member, now, *people(f"of{number}p", 3))
    served, last = [], 0
    for _ in range(5):
        [mail] = claims.claim(WORKER, now, 1, last)
        served.append(mail.recipient)
        last = mail.account_id
    firsts = ["of0p0@example.org", "of1p0@example.org", "of2p0@example.org"]
    assert served == [*firsts, "of0p1@example.org", "of1p1@example.org"]


def test_with_many_accounts_little_more_is_read_than_returned(owner, now, monkeypatch):
    for n in range(20):
        found = accounts.create(f"Number {n}", make_user("Zoe", f"zoe{n}@example.org", now), now)
        send(Membership.get(Membership.account == found), now, *people(f"of{n}p", 20))
    rows = []
    select = db.select
    monkeypatch.setattr(db, "select", lambda *asked: _noted(rows, select(*asked)))
    assert len({mail.account_id for mail in queue.bulk(now, 20)}) == 20
    assert len(rows) <= 40


def _noted(rows, found):
    rows.extend(found)
    return found


def test_an_account_with_much_mail_gets_what_others_do_not_need(owner, now):
    for n in range(5):
        found = accounts.create(f"Number {n}", make_user("Zoe", f"zoe{n}@example.org", now), now)
        send(Membership.get(Membership.account == found), now, *people(f"of{n}p", 2))
    Delivery.update(due_at=now + MINUTE).execute()
    send(owner, now, *people("p", 40))
    assert recipients(queue.bulk(now, 30)) == people("p", 30)


def test_a_batch_of_expired_invitations_does_not_delay_other_accounts(owner, now):
    send(owner, now, *people("expired", 30))
    Invitation.update(expires_at=now).execute()
    found = accounts.create("Elsewhere", make_user("Zoe", "zoe@example.org", now), now)
    send(Membership.get(Membership.account == found), now, "other@example.org")
    assert recipients(claims.claim(WORKER, now, 1)) == ["other@example.org"]
    assert Delivery.select().where(Delivery.state == DeliveryState.WITHDRAWN).count() == 30


@pytest.mark.parametrize("state", [BatchState.PAUSED, BatchState.STOPPED, BatchState.CANCELED])
def test_a_halted_batch_has_no_mail_due(owner, now, state):
    set_state(state, send(owner, now, *people("p", 3)))
    assert queue.bulk(now, 10) == []


def test_a_mail_that_is_not_due_waits(owner, now):
    invite(owner, now)
    assert queue.bulk(now - MINUTE, 10) == []


def test_a_due_date_from_a_clock_that_was_a_day_ahead_counts_as_due(owner, now):
    invite(owner, now + timedelta(days=1))
    assert recipients(queue.bulk(now, 10)) == ["new@example.org"]
    Delivery.update(due_at=now + MAX_DELAY).execute()
    assert queue.bulk(now, 10) == []


def test_a_large_batch_sends_ten_probes_first(owner, now):
    batch = send(owner, now, *people("p", PROBED_SIZE))
    assert recipients(queue.bulk(now, 100)) == people("p", 10)
    first = Delivery.select(Delivery.id).order_by(Delivery.id).limit(10)
    Delivery.update(state=DeliveryState.SENDING).where(Delivery.id.in_(first)).execute()
    assert queue.bulk(now, 100) == []
    Delivery.update(state=DeliveryState.SENT, attempts=1).where(Delivery.id.in_(first)).execute()
    batches.advance()
    assert len(queue.bulk(now, 100)) == PROBED_SIZE - 10
    assert reread(batch).state == BatchState.RUNNING


def test_a_batch_without_unsent_mail_is_done(owner, now):
    batch = send(owner, now, *people("p", 2))
    Delivery.update(state=DeliveryState.SENDING).execute()
    batches.advance()
    assert reread(batch).state == BatchState.RUNNING
    Delivery.update(state=DeliveryState.SENT).execute()
    batches.advance()
    assert reread(batch).state == BatchState.DONE


def test_a_mail_says_whether_its_recipient_has_a_profile(owner, now):
    make_user("Kim Known", "kim@example.org", now)
    send(owner, now, "new@example.org", "kim@example.org")
    assert [mail.has_profile for mail in queue.bulk(now, 10)] == [False, True]


def test_a_mail_has_all_that_its_message_needs(owner, now):
    invitation = invite(owner, now)
    [mail] = queue.bulk(now, 10)
    delivery = Delivery.get()
    assert (mail.id, mail.recipient, mail.created_at) == (delivery.id, "new@example.org", now)
    assert (mail.account_id, mail.batch_id) == (owner.account_id, invitation.batch_id)
    assert (mail.invitation.id, mail.invitation.created_at) == (invitation.id, now)
    assert (mail.invitation.inviter_id, mail.invitation.role) == (owner.user_id, invitation.role)
    assert mail.invitation.expires_at == invitation.expires_at


@pytest.mark.parametrize(
    "look",
    [
        lambda now: queue.urgent(now, 10),
        lambda now: queue.bulk(now, 10),
        lambda _now: batches.advance(),
        claims.recover,
        lambda now: claims.claim(WORKER, now, 10),
        lambda _now: installation.queued_page(1),
    ],
    ids=["urgent", "bulk", "advance", "recover", "claim", "waiting"],
)
@sqlite_only
def test_queued_mail_is_found_without_scanning_the_table(owner, now, look):
    send(owner, now, *people("p", 5))
    first = Delivery.select().order_by(Delivery.id).first()
    Delivery.update(state=DeliveryState.SENDING).where(Delivery.id == first.id).execute()
    connection = db.database.connection()
    statements = []
    connection.set_trace_callback(statements.append)
    look(now)
    connection.set_trace_callback(None)
    asked = [s for s in statements if "delivery" in s.lower() and not s.startswith("--")]
    plans = [connection.execute(f"EXPLAIN QUERY PLAN {s}").fetchall() for s in asked]
    steps = [step[3] for plan in plans for step in plan]
    assert any("delivery_" in step for step in steps)
    assert not [step for step in steps if re.match("SCAN (?!json_each|delivery_outcome)", step)]


def steps_to_find_probes(owner, now, size, *results):
    """How many steps SQLite takes to find the next mails of a batch that is probing."""
    batch = send(owner, now, *people(f"of{size}p", size))
    first = Delivery.select(Delivery.id).where(Delivery.batch == batch).limit(10)
    for one, state in zip(first, results, strict=False):
        Delivery.update(state=state).where(Delivery.id == one.id).execute()
    steps = []
    db.database.connection().set_progress_handler(lambda: steps.append(1), 100)
    found = queue.bulk(now, 64)
    db.database.connection().set_progress_handler(None, 0)
    assert len(found) == 10 - len(results)
    set_state(BatchState.PAUSED, batch)
    return len(steps)


@sqlite_only
@pytest.mark.parametrize("sending", [0, 3, 10])
def test_looking_for_probes_costs_the_same_however_large_the_batch(owner, now, sending):
    states = [DeliveryState.SENDING] * sending
    small = steps_to_find_probes(owner, now, PROBED_SIZE, *states)
    assert steps_to_find_probes(owner, now, 2_000, *states) <= small + 3
