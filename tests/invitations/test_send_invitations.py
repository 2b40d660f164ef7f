"""Sending invitations: one press of the button makes one batch."""

from datetime import timedelta
from time import thread_time

import pytest

from invites.authorization import audit_log
from invites.authorization.authority import has_authority
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import manage, send_invitations, skipped, unsubscribe
from invites.invitations.quotas import MAILS_PER_ADDRESS
from invites.invitations.review import review_entries
from invites.invitations.send_invitations import LARGE, LIFETIME, Approval, InvitationRequest
from invites.lists import suggestions
from invites.lists.entries import Entry
from invites.members import answers, batch_progress, memberships
from invites.models import (
    AuditEntry,
    Batch,
    Delivery,
    DeliveryState,
    EntryOutcome,
    Invitation,
    InvitationState,
    InvitationStatus,
)
from invites.outbox import batches
from tests.support.actions import actions, invitation_request, invite, refused, reread, send


def emails_of(batch):
    rows = Invitation.select().where(Invitation.batch == batch).order_by(Invitation.id)
    return [invitation.email for invitation in rows]


def test_one_press_makes_a_batch_its_invitations_and_their_mails(owner, now):
    sent = invitation_request("Ben@Example.org", "cem@example.org", role=Role.ADMIN)
    batch = send_invitations.send(owner, sent, now)
    assert (batch.account, batch.inviter, batch.role) == (owner.account, owner.user, Role.ADMIN)
    assert emails_of(batch) == ["ben@example.org", "cem@example.org"]
    for invitation in batch.invitations:
        assert invitation.account == owner.account
        assert invitation.inviter == owner.user
        assert invitation.role is Role.ADMIN
        assert invitation.state == InvitationState.PENDING
        assert invitation.created_at == now
        assert invitation.expires_at == now + timedelta(days=14)
        mail = Delivery.get(Delivery.invitation == invitation)
        assert (mail.recipient, mail.state, mail.due_at) == (invitation.email, "queued", now)
        assert (mail.account, mail.batch, mail.kind) == (owner.account, batch, "invitation")
    assert Delivery.select().count() == 2


def test_the_audit_log_records_who_invited_how_many(owner, now):
    batch = send_invitations.send(
        owner, invitation_request("ben@example.org", "cem@example.org"), now
    )
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    assert (entry.action, entry.actor) == (audit_log.AuditAction.INVITED, owner.user)
    assert entry.details == {"role": Role.USER, "batch": batch.id, "people": 2}


def test_the_same_press_again_sends_nothing_twice(owner, now):
    first = send_invitations.send(owner, invitation_request("ben@example.org", key="k"), now)
    again = send_invitations.send(owner, invitation_request("ben@example.org", key="k"), now)
    assert again == first
    assert Invitation.select().count() == Delivery.select().count() == Batch.select().count() == 1


def test_the_same_key_with_other_entries_makes_another_batch(owner, now):
    send_invitations.send(owner, invitation_request("ben@example.org", key="k"), now)
    send_invitations.send(
        owner, invitation_request("ben@example.org", "cem@example.org", key="k"), now
    )
    assert {row.email for row in Invitation.select()} == {"ben@example.org", "cem@example.org"}


def test_another_persons_key_is_not_reused(people, owner, now):
    first = send_invitations.send(owner, invitation_request("ben@example.org", key="k"), now)
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(
            people[Role.ADMIN], invitation_request("ben@example.org", key="k"), now
        )
    assert (
        send_invitations.send(people.stranger, invitation_request("ben@example.org", key="k"), now)
        != first
    )


@pytest.mark.parametrize(
    ("actor", "role"),
    [
        (Role.USER, Role.USER),
        (Role.MODERATOR, Role.MODERATOR),
        (Role.MODERATOR, Role.ADMIN),
        (Role.ADMIN, Role.OWNER),
    ],
)
def test_nobody_grants_a_role_above_their_reach(people, now, actor, role):
    with refused(Reason.NOT_ALLOWED):
        send_invitations.send(people[actor], invitation_request("ben@example.org", role=role), now)
    assert Batch.select().count() == Invitation.select().count() == Delivery.select().count() == 0


def test_a_member_demoted_a_moment_ago_cannot_send(people, owner, now):
    in_an_open_tab = reread(people[Role.ADMIN])
    memberships.change_role(owner, people[Role.ADMIN], Role.USER, now)
    with refused(Reason.NOT_ALLOWED):
        send_invitations.send(in_an_open_tab, invitation_request("ben@example.org"), now)


def test_an_empty_list_is_refused(owner, now):
    with refused(Reason.LIST_EMPTY):
        send_invitations.send(owner, invitation_request(), now)


@pytest.mark.parametrize("emails", [["nobody"], ["ada@example.org"], ["uma@example.org", "x"]])
def test_a_list_with_nobody_to_invite_is_refused(owner, now, emails):
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, invitation_request(*emails), now)
    assert Batch.select().count() == 0


def test_suggestions_for_skipped_entries_delay_nobody(people, owner, now, monkeypatch):
    """They are found in the transaction. A crafted address takes a hundredth of a second."""

    def suggest(*_):
        end = thread_time() + 0.1
        while thread_time() < end:
            pass
        return "a@b.example"

    monkeypatch.setattr(suggestions, "suggestion", suggest)
    started = thread_time()
    batch = send(owner, now, "ann@example.org", *(f"no address {n}" for n in range(50)))
    assert thread_time() - started < 2
    found = skipped.of_batch(batch)
    assert [bool(one.suggestion) for one in (found[0], found[-1])] == [True, False]
    assert {one.problem for one in found} == {"address_no_at"}


def test_skipped_entries_are_counted_and_kept_invalid_ones_first(people, owner, now):
    invite(owner, now, "pending@example.org")
    memberships.deactivate(owner, people[Role.USER], now)
    answers.decline(invite(owner, now, "no@example.org"), now)
    entries = [
        Entry("ben@example.org", 2),
        Entry("BEN@example.org", 3),
        Entry("ada@example.org", 4),
        Entry("pending@example.org", 5),
        Entry("uma@example.org", 6),
        Entry("nobody" * 100, 7, "No Body"),
        Entry("no@example.org", 8),
    ]
    batch = send_invitations.send(owner, InvitationRequest("k", entries, Role.USER), now)
    assert emails_of(batch) == ["ben@example.org"]
    batch = reread(batch)
    reasons = ("duplicate", "member", "pending", "removed", "invalid", "declined")
    assert batch.skipped["counts"] == dict.fromkeys(reasons, 1)
    first, *others = skipped.of_batch(batch)
    assert first == (7, ("nobody" * 100)[:200], "address_too_long", "No Body", "", "invalid")
    assert [(one.row, one.outcome) for one in others] == [
        (3, "duplicate"),
        (4, "member"),
        (5, "pending"),
        (6, "removed"),
        (8, "declined"),
    ]


def test_a_removed_member_is_invited_on_request(people, owner, now):
    memberships.deactivate(owner, people[Role.USER], now)
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, invitation_request("uma@example.org"), now)
    also = frozenset({EntryOutcome.REMOVED})
    batch = send_invitations.send(owner, invitation_request("uma@example.org", also=also), now)
    assert emails_of(batch) == ["uma@example.org"]
    assert reread(batch).skipped["counts"] == {}


def test_a_new_invitation_replaces_an_expired_one(owner, now):
    old = invite(owner, now)
    new = invite(owner, old.expires_at)
    assert reread(old).state == InvitationState.REPLACED
    assert reread(new).state == InvitationState.PENDING


def test_a_declined_invitation_to_a_higher_role_stays_open(people, owner, now):
    declined = invite(owner, now, "boss@example.org", role=Role.ADMIN)
    answers.decline(declined, now)
    send(people[Role.MODERATOR], now, "boss@example.org")
    assert reread(declined).is_open(now)


def test_a_new_invitation_replaces_a_declined_one_which_stays_on_record(owner, now):
    old = invite(owner, now)
    answers.decline(old, now)
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, invitation_request(old.email), now)
    later = now + timedelta(days=1)
    also = frozenset({EntryOutcome.DECLINED})
    new = send_invitations.send(
        owner, invitation_request(old.email, also=also, role=Role.ADMIN), later
    ).invitations[0]
    assert (reread(old).state, reread(old).answered_at) == (InvitationState.REPLACED, now)
    assert not reread(old).is_open(now)
    assert reread(new).is_open(now)


class TestReview:
    def reviewed(self, owner, now, *emails, agreed=None):
        seen = review_entries(owner.account, [Entry(email) for email in emails], None, now)
        return Approval(seen.fingerprint, agreed)

    def test_a_review_that_was_seen_is_sent(self, owner, now):
        review = self.reviewed(owner, now, "ben@example.org", "nobody")
        batch = send_invitations.send(
            owner, invitation_request("ben@example.org", "nobody", approval=review), now
        )
        assert emails_of(batch) == ["ben@example.org"]

    @pytest.mark.parametrize("seen", [[], ["ben@example.org"]])
    def test_a_review_that_was_not_seen_is_not_sent(self, owner, now, seen):
        review = self.reviewed(owner, now, *seen)
        with refused(Reason.REVIEW_FIRST):
            send_invitations.send(
                owner,
                invitation_request("ben@example.org", "cem@example.org", approval=review),
                now,
            )
        assert Batch.select().count() == 0

    def test_a_review_that_changed_has_to_be_approved_again(self, people, owner, now):
        emails = ("ben@example.org", "cem@example.org")
        review = self.reviewed(owner, now, *emails)
        invite(people[Role.ADMIN], now, "cem@example.org")
        with refused(Reason.REVIEW_FIRST):
            send_invitations.send(owner, invitation_request(*emails, approval=review), now)

    def test_the_same_press_again_is_the_same_batch_though_all_are_invited_now(self, owner, now):
        review = self.reviewed(owner, now, "ben@example.org")
        one = invitation_request("ben@example.org", key="k", approval=review)
        assert send_invitations.send(owner, one, now) == send_invitations.send(owner, one, now)

    def test_the_number_of_many_mails_has_to_be_confirmed(self, owner, now):
        emails = [f"p{n}@example.org" for n in range(LARGE)]
        for agreed in (None, 0, LARGE - 1, LARGE + 1):
            review = self.reviewed(owner, now, *emails, agreed=agreed)
            with refused(Reason.CONFIRM_FIRST):
                send_invitations.send(owner, invitation_request(*emails, approval=review), now)
        review = self.reviewed(owner, now, *emails, agreed=LARGE)
        batch = send_invitations.send(owner, invitation_request(*emails, approval=review), now)
        assert batch.invitations.count() == LARGE

    def test_fewer_mails_need_no_confirmation(self, owner, now):
        emails = [f"p{n}@example.org" for n in range(LARGE - 1)] + ["nobody"] * LARGE
        review = self.reviewed(owner, now, *emails)
        assert send_invitations.send(owner, invitation_request(*emails, approval=review), now)


def test_invitations_of_another_account_are_left_alone(people, owner, now):
    theirs = invite(people.stranger, now)
    answers.decline(theirs, now)
    invite(owner, now)
    assert reread(theirs).state == InvitationState.DECLINED


@pytest.mark.slow
def test_50_000_people_are_invited_by_one_press(owner, now):
    entries = [Entry(f"person{n}@example.org", n + 2) for n in range(50_000)]
    batch = send_invitations.send(owner, InvitationRequest("k", entries, Role.USER), now)
    assert batch.invitations.count() == 50_000
    assert Delivery.select().where(Delivery.batch == batch).count() == 50_000
    assert actions(owner.account).count("invited") == 1


def test_a_list_of_50_001_people_is_refused(owner, now):
    entries = [Entry(f"person{n}@example.org") for n in range(50_001)]
    with refused(Reason.LIST_TOO_LONG):
        send_invitations.send(owner, InvitationRequest("k", entries, Role.USER), now)
    assert Invitation.select().count() == Batch.select().count() == 0


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
    send_invitations.send(owner, invitation_request("pending@example.org", "new@example.org"), now)
    assert mails(pending) == 1
    later = now + timedelta(days=2)
    batch = send_invitations.send(
        owner, invitation_request("pending@example.org", "newer@example.org", also=AGAIN), later
    )
    assert mails(pending) == 2
    assert reread(pending).expires_at == later + LIFETIME
    assert Invitation.select().where(Invitation.email == "pending@example.org").count() == 1
    assert batch.skipped["counts"] == {}


def test_a_batch_of_only_reminders_counts_its_people(owner, pending, now):
    batch = send_invitations.send(owner, invitation_request("pending@example.org", also=AGAIN), now)
    seen = batch_progress.of_batch(batch, now)
    assert (seen.total, seen.waiting, seen.people[InvitationStatus.PENDING]) == (1, 1, 1)
    first = batch_progress.of_batch(reread(pending).batch, now)
    assert (first.total, first.sent) == (1, 1)


def test_mailing_again_makes_the_actor_the_inviter(people, owner, now):
    offered = invite(people[Role.ADMIN], now, "pending@example.org")
    sent()
    memberships.deactivate(owner, people[Role.ADMIN], now)
    assert not has_authority(reread(offered))
    send_invitations.send(owner, invitation_request("pending@example.org", also=AGAIN), now)
    assert has_authority(reread(offered))


def test_a_pending_invitation_to_another_role_is_replaced(owner, now):
    people = [Entry("ann@example.org", name="Ann"), Entry("pending@example.org")]
    send_invitations.send(owner, InvitationRequest("k", people, Role.USER), now)
    sent()
    first = Invitation.get(Invitation.email == "ann@example.org")
    entries = ["ann@example.org", "pending@example.org"]
    batch = send_invitations.send(
        owner, invitation_request(*entries, role=Role.ADMIN, also=AGAIN), now
    )
    offered = {one.email: (one.role, one.name, one.batch) for one in now_pending()}
    assert offered == {
        "ann@example.org": (Role.ADMIN, "Ann", batch),
        "pending@example.org": (Role.ADMIN, "", batch),
    }
    assert reread(first).status(now) is InvitationStatus.REPLACED
    assert batch_progress.of_batch(batch, now).total == 2
    assert batch.skipped["counts"] == {}


def now_pending():
    return Invitation.select().where(Invitation.state == InvitationState.PENDING)


def test_an_invitation_to_a_higher_role_is_not_mailed_again(people, owner, now):
    beyond = invite(owner, now, "boss@example.org", Role.ADMIN)
    sent()
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(
            people[Role.MODERATOR], invitation_request("boss@example.org", also=AGAIN), now
        )
    assert reread(beyond).inviter == owner.user
    assert mails(beyond) == 1


def test_a_person_with_a_queued_mail_gets_no_second_one(owner, now):
    waiting = invite(owner, now, "pending@example.org")
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, invitation_request("pending@example.org", also=AGAIN), now)
    assert mails(waiting) == 1


def test_nobody_is_mailed_more_than_three_times_a_day(owner, pending, now):
    for _ in range(MAILS_PER_ADDRESS - 1):
        send_invitations.send(owner, invitation_request("pending@example.org", also=AGAIN), now)
        sent()
    batch = send_invitations.send(
        owner, invitation_request("pending@example.org", "new@example.org", also=AGAIN), now
    )
    assert mails(pending) == MAILS_PER_ADDRESS
    assert batch.skipped["counts"] == {"recipient_limit": 1}
    with refused(Reason.RECIPIENT_LIMIT):
        manage.resend(owner, pending, now)


def test_cancelling_keeps_the_invitations_that_were_mailed_before(owner, pending, now):
    batch = send_invitations.send(
        owner, invitation_request("pending@example.org", "new@example.org", also=AGAIN), now
    )
    assert batches.cancel(owner, batch, now) == 2
    assert reread(pending).status(now) is InvitationStatus.PENDING
    newest = Delivery.select().where(Delivery.invitation == pending).order_by(Delivery.id.desc())
    assert newest.get().state == DeliveryState.WITHDRAWN


def test_another_accounts_invitations_are_left_alone(people, owner, now):
    theirs = invite(people.stranger, now, "pending@example.org")
    sent()
    send_invitations.send(owner, invitation_request("pending@example.org", also=AGAIN), now)
    assert mails(theirs) == 1
    assert reread(theirs).inviter == people.stranger.user


def test_people_who_answered_meanwhile_are_not_mailed(owner, pending, now):
    answers.decline(pending, now)
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, invitation_request("pending@example.org", also=AGAIN), now)
    assert Batch.select().count() == 1


def test_only_people_who_were_removed_declined_or_are_pending_can_be_invited_on_request(
    owner, account, now
):
    invitation = invite(owner, now, "ann@example.org")
    unsubscribe.unsubscribe(invitation, now)
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(
            owner, invitation_request("ann@example.org", also=frozenset(EntryOutcome)), now
        )
