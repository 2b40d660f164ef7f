"""The invitations of one account."""

import pytest

from invites.invitations import manage
from invites.members import answers
from invites.members.account_invitations import AccountInvitations, Flag
from invites.models import Delivery, DeliveryState, InvitationStatus
from invites.outbox.retry import SendResult
from tests.support.actions import attempt_all, invite, send


@pytest.fixture
def invitations(people, account):
    return AccountInvitations(account)


def emails(page):
    return [listed.invitation.email for listed in page]


def listed(invitations, now, *, which=None, search=""):
    return invitations.page(1, which=which, search=search, now=now)


def test_only_the_accounts_invitations_are_listed_newest_first(invitations, people, owner, now):
    send(owner, now, "one@example.org", "two@example.org")
    invite(owner, now, "three@example.org")
    invite(people.stranger, now, "theirs@example.org")
    assert emails(listed(invitations, now)) == [
        "three@example.org",
        "two@example.org",
        "one@example.org",
    ]


def test_invitations_are_filtered_by_status(invitations, owner, now):
    batch = send(owner, now, *(f"{s}@example.org" for s in ("pending", "declined", "revoked")))
    _, declined, revoked = batch.invitations
    answers.decline(declined, now)
    manage.revoke(owner, revoked, now)
    late = declined.expires_at
    for status, moment in (
        (InvitationStatus.PENDING, now),
        (InvitationStatus.DECLINED, now),
        (InvitationStatus.REVOKED, late),
    ):
        found = listed(invitations, moment, which=status)
        assert emails(found) == [f"{status}@example.org"]
    assert emails(listed(invitations, late, which=InvitationStatus.EXPIRED)) == [
        "pending@example.org"
    ]
    assert emails(listed(invitations, late, which=InvitationStatus.PENDING)) == []


def test_invitations_are_found_by_part_of_the_address(invitations, owner, now):
    send(owner, now, "a_b@example.org", "axb@example.org")
    assert emails(listed(invitations, now, search="A_B")) == ["a_b@example.org"]
    assert emails(listed(invitations, now, search="%")) == []


def test_an_invitation_is_flagged_when_its_newest_mail_failed_until_it_is_resent(
    invitations, owner, now
):
    bad = invite(owner, now, "bad@example.org")
    attempt_all(now, SendResult.FAILED)
    invite(owner, now, "good@example.org")
    attempt_all(now, SendResult.SENT)
    assert emails(listed(invitations, now, which=Flag.FAILED)) == ["bad@example.org"]
    assert invitations.flag_totals(now)[Flag.FAILED] == 1
    manage.resend(owner, bad, now)
    assert emails(listed(invitations, now, which=Flag.FAILED)) == []
    assert invitations.flag_totals(now)[Flag.FAILED] == 0


def test_an_invitation_is_flagged_when_its_newest_mail_bounced_until_it_is_resent(
    invitations, owner, now
):
    back = invite(owner, now, "back@example.org")
    Delivery.update(state=DeliveryState.BOUNCED).execute()
    invite(owner, now, "good@example.org")
    assert emails(listed(invitations, now, which=Flag.FAILED)) == ["back@example.org"]
    assert invitations.flag_totals(now)[Flag.FAILED] == 1
    manage.resend(owner, back, now)
    assert invitations.flag_totals(now)[Flag.FAILED] == 0


def test_an_invitation_is_listed_with_its_newest_mail(invitations, owner, now):
    invitation = invite(owner, now)
    attempt_all(now, SendResult.SENT)
    manage.resend(owner, invitation, now)
    (one,) = listed(invitations, now)
    assert one.delivery.state == DeliveryState.QUEUED


def test_totals_count_invitations_by_status(invitations, people, owner, now):
    batch = send(owner, now, *(f"p{n}@example.org" for n in range(4)))
    answers.decline(batch.invitations[0], now)
    invite(people.stranger, now)
    late = batch.invitations[0].expires_at
    nowhere = dict.fromkeys(InvitationStatus, 0)
    assert invitations.totals(now) == nowhere | {"declined": 1, "pending": 3}
    assert invitations.totals(late) == nowhere | {"declined": 1, "expired": 3}
