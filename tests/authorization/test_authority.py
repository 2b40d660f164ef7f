"""Whether whoever sent an invitation still has the power that it hands on."""

from datetime import timedelta

import pytest

from invites.authorization import authority
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import answers, memberships
from invites.members.account_invitations import AccountInvitations, Flag
from invites.models import Invitation, InvitationStatus, Membership
from invites.outbox import progress
from tests.support.actions import invite
from tests.support.people import make_member


@pytest.mark.parametrize(
    ("becomes", "backed"),
    [(Role.OWNER, True), (Role.ADMIN, True), (Role.MODERATOR, False), (Role.USER, False)],
)
def test_an_offer_is_backed_while_its_inviter_could_still_make_it(
    people, owner, now, becomes, backed
):
    invitation = invite(people[Role.ADMIN], now, role=Role.ADMIN)
    memberships.change_role(owner, people[Role.ADMIN], becomes, now)
    assert authority.has_authority(invitation) is backed


def test_an_inviter_who_comes_back_backs_the_offer_again(people, owner, now):
    invitation = invite(people[Role.ADMIN], now)
    memberships.deactivate(owner, people[Role.ADMIN], now)
    memberships.reactivate(owner, people[Role.ADMIN], now)
    assert authority.has_authority(invitation)


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("inviter", Role)
@pytest.mark.parametrize("offered", Role)
def test_a_query_finds_just_the_offers_that_are_not_backed(
    people, account, now, offered, inviter, active
):
    invitation = invite(people[Role.OWNER], now, role=offered)
    theirs = make_member(account, "Nia", "nia@example.org", inviter, now)
    gone = None if active else now
    Membership.update(deactivated_at=gone).where(Membership.id == theirs.id).execute()
    Invitation.update(inviter=theirs.user).execute()
    invitation = Invitation.get_by_id(invitation.id)
    found = list(Invitation.select().where(authority.without_authority(now)))
    assert found == ([] if authority.has_authority(invitation) else [invitation])


class TestInvitationsWithoutAuthority:
    @pytest.fixture
    def offers(self, people, owner, now):
        admin = people[Role.ADMIN]
        kept = invite(owner, now, "kept@example.org")
        lost = [invite(admin, now, f"{n}@example.org", role=Role.ADMIN) for n in range(4)]
        still = invite(admin, now, "still@example.org", role=Role.USER)
        memberships.change_role(owner, admin, Role.MODERATOR, now)
        return [kept, *lost, still]

    def test_are_counted_and_found(self, offers, account, people, now):
        invitations = AccountInvitations(account)
        assert authority.count_without_authority(people[Role.ADMIN], now) == 4
        assert invitations.flag_totals(now)[Flag.NO_AUTHORITY] == 4
        found = invitations.page(1, which=Flag.NO_AUTHORITY, search="", now=now)
        assert {one.invitation for one in found} == set(offers[1:5])
        assert all(one.lacks_authority for one in found)
        pending = invitations.page(1, which=InvitationStatus.PENDING, search="", now=now)
        assert sum(one.lacks_authority for one in pending) == 4

    def test_are_counted_on_the_page_of_their_batch(self, offers, now):
        assert progress.of_batch(offers[1].batch, now).without_authority == 1
        assert progress.of_batch(offers[0].batch, now).without_authority == 0

    def test_are_no_longer_told_once_they_are_closed_expired_or_sent_by_somebody_else(
        self, offers, owner, people, now
    ):
        _kept, revoked, declined, resent, _last, _still = offers
        manage.revoke(owner, revoked, now)
        answers.decline(declined, now)
        assert (
            authority.count_without_authority(people[Role.ADMIN], now) == 3
        )  # who declined may think again
        manage.revoke(owner, declined, now)
        Invitation.update(inviter=owner.user).where(Invitation.id == resent.id).execute()
        assert authority.count_without_authority(people[Role.ADMIN], now) == 1
        assert authority.count_without_authority(people[Role.ADMIN], now + timedelta(days=14)) == 0

    @pytest.mark.usefixtures("offers")
    def test_hold_again_when_they_have_it_again(self, owner, people, account, now):
        memberships.change_role(owner, people[Role.ADMIN], Role.ADMIN, now)
        assert AccountInvitations(account).flag_totals(now)[Flag.NO_AUTHORITY] == 0
