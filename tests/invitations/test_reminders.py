"""Mailing pending invitations again, on request."""

from datetime import timedelta

import pytest

from invites.authorization.authority import has_authority
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import manage, send_invitations
from invites.invitations.quotas import MAILS_PER_ADDRESS
from invites.invitations.send_invitations import LIFETIME, InvitationRequest
from invites.lists.entries import Entry
from invites.members import answers, memberships
from invites.models import (
    Batch,
    Delivery,
    DeliveryState,
    EntryOutcome,
    Invitation,
    InvitationState,
    InvitationStatus,
)
from invites.outbox import batches, progress
from tests.support.actions import invite, order, refused, reread

AGAIN = frozenset({EntryOutcome.PENDING})


@pytest.fixture
def pending(owner, now):
    """An invitation whose mail went out."""
    pending = invite(owner, now, "pending@example.org")
    sent()
    return pending


def sent():
    Delivery.update(state=DeliveryState.SENT).execute()


def mails(invitation):
    return Delivery.select().where(Delivery.invitation == invitation).count()


def test_pending_people_are_mailed_again_only_on_request(owner, pending, now):
    send_invitations.send(owner, order("pending@example.org", "new@example.org"), now)
    assert mails(pending) == 1
    later = now + timedelta(days=2)
    batch = send_invitations.send(
        owner, order("pending@example.org", "newer@example.org", also=AGAIN), later
    )
    assert mails(pending) == 2
    assert reread(pending).expires_at == later + LIFETIME
    assert Invitation.select().where(Invitation.email == "pending@example.org").count() == 1
    assert batch.skipped["counts"] == {}


def test_a_batch_of_only_reminders_counts_its_people(owner, pending, now):
    batch = send_invitations.send(owner, order("pending@example.org", also=AGAIN), now)
    seen = progress.of_batch(batch, now)
    assert (seen.total, seen.waiting, seen.people[InvitationStatus.PENDING]) == (1, 1, 1)
    first = progress.of_batch(reread(pending).batch, now)
    assert (first.total, first.sent) == (1, 1)


def test_mailing_again_makes_the_actor_the_inviter(people, owner, now):
    offered = invite(people[Role.ADMIN], now, "pending@example.org")
    sent()
    memberships.deactivate(owner, people[Role.ADMIN], now)
    assert not has_authority(reread(offered))
    send_invitations.send(owner, order("pending@example.org", also=AGAIN), now)
    assert has_authority(reread(offered))


def test_a_pending_invitation_to_another_role_is_replaced(owner, now):
    people = [Entry("ann@example.org", name="Ann"), Entry("pending@example.org")]
    send_invitations.send(owner, InvitationRequest("k", people, Role.USER), now)
    sent()
    first = Invitation.get(Invitation.email == "ann@example.org")
    entries = ["ann@example.org", "pending@example.org"]
    batch = send_invitations.send(owner, order(*entries, role=Role.ADMIN, also=AGAIN), now)
    offered = {one.email: (one.role, one.name, one.batch) for one in now_pending()}
    assert offered == {
        "ann@example.org": (Role.ADMIN, "Ann", batch),
        "pending@example.org": (Role.ADMIN, "", batch),
    }
    assert reread(first).status(now) is InvitationStatus.REPLACED
    assert progress.of_batch(batch, now).total == 2
    assert batch.skipped["counts"] == {}


def now_pending():
    return Invitation.select().where(Invitation.state == InvitationState.PENDING)


def test_an_invitation_to_a_higher_role_is_not_mailed_again(people, owner, now):
    beyond = invite(owner, now, "boss@example.org", Role.ADMIN)
    sent()
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(people[Role.MODERATOR], order("boss@example.org", also=AGAIN), now)
    assert reread(beyond).inviter == owner.user
    assert mails(beyond) == 1


def test_a_person_with_a_queued_mail_gets_no_second_one(owner, now):
    waiting = invite(owner, now, "pending@example.org")
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, order("pending@example.org", also=AGAIN), now)
    assert mails(waiting) == 1


def test_nobody_is_mailed_more_than_three_times_a_day(owner, pending, now):
    for _ in range(MAILS_PER_ADDRESS - 1):
        send_invitations.send(owner, order("pending@example.org", also=AGAIN), now)
        sent()
    batch = send_invitations.send(
        owner, order("pending@example.org", "new@example.org", also=AGAIN), now
    )
    assert mails(pending) == MAILS_PER_ADDRESS
    assert batch.skipped["counts"] == {"recipient_limit": 1}
    with refused(Reason.RECIPIENT_LIMIT):
        manage.resend(owner, pending, now)


def test_cancelling_keeps_the_invitations_that_were_mailed_before(owner, pending, now):
    batch = send_invitations.send(
        owner, order("pending@example.org", "new@example.org", also=AGAIN), now
    )
    assert batches.cancel(owner, batch, now) == 2
    assert reread(pending).status(now) is InvitationStatus.PENDING
    newest = Delivery.select().where(Delivery.invitation == pending).order_by(Delivery.id.desc())
    assert newest.get().state == DeliveryState.WITHDRAWN


def test_another_accounts_invitations_are_left_alone(people, owner, now):
    theirs = invite(people.stranger, now, "pending@example.org")
    sent()
    send_invitations.send(owner, order("pending@example.org", also=AGAIN), now)
    assert mails(theirs) == 1
    assert reread(theirs).inviter == people.stranger.user


def test_people_who_answered_meanwhile_are_not_mailed(owner, pending, now):
    answers.decline(pending, now)
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, order("pending@example.org", also=AGAIN), now)
    assert Batch.select().count() == 1
