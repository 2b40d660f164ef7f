"""Authority: whether the inviter may still invite as that role."""

from datetime import timedelta

import pytest

from invites.authorization import authority
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import answers, batch_progress, memberships
from invites.members.account_invitations import AccountInvitations, Flag
from invites.models import Invitation, InvitationStatus, Membership
from tests.support.actions import invite
from tests.support.people import make_member


@pytest.mark.parametrize(
    ("becomes", "has_authority"),
    [(Role.OWNER, True), (Role.ADMIN, True), (Role.MODERATOR, False), (Role.USER, False)],
)
def test_an_inviter_has_authority_while_they_could_still_send_the_invitation(
    people, owner, now, becomes, has_authority
):
    invitation = invite(people[Role.ADMIN], now, role=Role.ADMIN)
    memberships.change_role(owner, people[Role.ADMIN], becomes, now)
    assert authority.has_authority(invitation) is has_authority


def test_an_inviter_who_is_reactivated_has_authority_again(people, owner, now):
    invitation = invite(people[Role.ADMIN], now)
    memberships.deactivate(owner, people[Role.ADMIN], now)
    memberships.reactivate(owner, people[Role.ADMIN], now)
    assert authority.has_authority(invitation)


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("inviter", Role)
@pytest.mark.parametrize("offered", Role)
def test_the_query_finds_exactly_the_invitations_without_authority(
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
        assert batch_progress.of_batch(offers[1].batch, now).without_authority == 1
        assert batch_progress.of_batch(offers[0].batch, now).without_authority == 0

    def test_are_not_counted_once_closed_expired_or_taken_over(self, offers, owner, people, now):
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
    def test_are_not_counted_once_the_inviter_has_the_role_again(self, owner, people, account, now):
        memberships.change_role(owner, people[Role.ADMIN], Role.ADMIN, now)
        assert AccountInvitations(account).flag_totals(now)[Flag.NO_AUTHORITY] == 0
