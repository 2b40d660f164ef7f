"""People who unsubscribed."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import classify, manage, send_invitations, unsubscribe
from invites.lists.entries import Entry
from invites.members import answers, memberships, permanent_link
from invites.models import (
    ON_REQUEST,
    Delivery,
    DeliveryState,
    EntryOutcome,
    InvitationState,
    JoinedBy,
    UnsubscribedAddress,
)
from invites.people import confirmation
from tests.support.actions import (
    actions,
    attempt_all,
    due,
    invitation_request,
    invite,
    new_profile,
    refused,
    reread,
    send,
)
from tests.support.people import PASSWORD, make_user


@pytest.fixture
def invitation(owner, now):
    return invite(owner, now, "ann@example.org")


def outcome(account, now, email="ann@example.org"):
    [classified] = classify.classify(account, [Entry(email)], now).classified
    return classified.outcome


def test_unsubscribing_declines_the_invitation_and_prevents_the_next_one(
    owner, account, invitation, now
):
    unsubscribe.unsubscribe(invitation, now)
    assert reread(invitation).state == InvitationState.DECLINED
    assert outcome(account, now) is EntryOutcome.UNSUBSCRIBED
    with refused(Reason.NOBODY_TO_INVITE):
        send_invitations.send(owner, invitation_request("ann@example.org", also=ON_REQUEST), now)
    assert actions(account)[-1] == "unsubscribed"


def test_unsubscribing_twice_counts_once(account, invitation, now):
    unsubscribe.unsubscribe(invitation, now)
    unsubscribe.unsubscribe(invitation, now + timedelta(days=1))
    assert UnsubscribedAddress.select().count() == 1
    assert actions(account).count("unsubscribed") == 1


def test_a_queued_mail_is_withdrawn(owner, invitation, now):
    unsubscribe.unsubscribe(invitation, now)
    attempt_all(now)
    assert Delivery.get().state == DeliveryState.WITHDRAWN
    assert due(now) == []


def test_an_old_link_unsubscribes_and_closes_the_newer_invitation(owner, invitation, now):
    later = invitation.expires_at + timedelta(days=1)
    newer = invite(owner, later, "ann@example.org")
    unsubscribe.unsubscribe(invitation, later)
    assert reread(newer).state == InvitationState.DECLINED


def test_other_accounts_are_not_affected(people, invitation, now):
    theirs = invite(people.stranger, now, "ann@example.org")
    unsubscribe.unsubscribe(invitation, now)
    assert reread(theirs).state == InvitationState.PENDING
    assert outcome(people.stranger.account, now) is EntryOutcome.PENDING


def test_people_who_resubscribe_can_be_invited_again(owner, account, invitation, now):
    unsubscribe.unsubscribe(invitation, now)
    unsubscribe.resubscribe(account, "ann@example.org", now)
    assert outcome(account, now) is EntryOutcome.DECLINED  # so they are left out unless asked for
    assert actions(account)[-1] == "resubscribed"
    unsubscribe.resubscribe(account, "ann@example.org", now)
    assert actions(account).count("resubscribed") == 1


def test_a_revoked_invitation_to_somebody_who_unsubscribed_is_not_restored(owner, invitation, now):
    manage.revoke(owner, invitation, now)
    unsubscribe.unsubscribe(invitation, now)
    with refused(Reason.UNSUBSCRIBED):
        manage.restore(owner, invitation, now)
    assert reread(invitation).state == InvitationState.REVOKED


def test_joining_by_the_permanent_link_resubscribes(account, invitation, now):
    unsubscribe.unsubscribe(invitation, now)
    ann = make_user("Ann", "ann@example.org", now)
    memberships.join(account, ann, Role.USER, now, joined_by=JoinedBy.PERMANENT_LINK)
    assert UnsubscribedAddress.select().count() == 0


def test_joining_with_an_unconfirmed_address_does_not_resubscribe(owner, account, invitation, now):
    unsubscribe.unsubscribe(invitation, now)
    link = permanent_link.enable(owner, now)
    permanent_link.join_as_new(link, new_profile("ann@example.org"), now)
    assert unsubscribe.is_unsubscribed(invitation)


def test_accepting_with_a_copied_link_does_not_resubscribe(owner, invitation, now):
    unsubscribe.unsubscribe(invitation, now)
    answers.accept_as_new(invitation, new_profile("ann@example.org"), now, copier=owner)
    assert unsubscribe.is_unsubscribed(invitation)


@pytest.mark.parametrize("has_profile", [True, False])
def test_accepting_with_the_mailed_link_resubscribes(invitation, now, has_profile):
    unsubscribe.unsubscribe(invitation, now)
    if has_profile:
        ann = make_user("Ann", "ann@example.org", now, confirmed=False)
        checked = confirmation.check_password(ann, PASSWORD)
        answers.accept_and_confirm(invitation, checked, now)
    else:
        answers.accept_as_new(invitation, new_profile("ann@example.org"), now)
    assert not unsubscribe.is_unsubscribed(invitation)


@pytest.mark.parametrize("sent", [True, False])
def test_people_who_unsubscribed_are_not_mailed_again(owner, invitation, now, sent):
    if sent:
        attempt_all(now)
    unsubscribe.unsubscribe(invitation, now)
    with refused(Reason.UNSUBSCRIBED):
        manage.resend(owner, invitation, now)


def test_a_member_who_unsubscribes_stays_a_member(account, invitation, now):
    ann = make_user("Ann", "ann@example.org", now)
    member = memberships.join(account, ann, Role.USER, now, joined_by=JoinedBy.INVITATION)
    unsubscribe.unsubscribe(invitation, now)
    assert reread(member).is_active
    assert outcome(account, now) is EntryOutcome.MEMBER


def test_unsubscribed_addresses_among_50_000_are_found_at_once(owner, account, now):
    batch = send(owner, now, "a@example.org", "b@example.org", "c@example.org")
    for invitation in batch.invitations[:2]:
        unsubscribe.unsubscribe(invitation, now)
    emails = [f"p{n}@example.org" for n in range(50_000)] + ["a@example.org", "c@example.org"]
    assert unsubscribe.unsubscribed(account, emails) == {"a@example.org"}
