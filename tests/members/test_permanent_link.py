"""An account's permanent link."""

from datetime import timedelta

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.core.tokens import Purpose
from invites.members import memberships, permanent_link
from invites.models import Delivery, JoinedBy, PermanentLink, User
from tests.support.actions import actions, invite, new_profile, refused, reread
from tests.support.people import make_user


@pytest.fixture
def link(owner, now):
    return permanent_link.enable(owner, now)


@pytest.fixture
def noa(database, now):
    return make_user("Noa New", "noa@example.org", now)


def test_joining_with_the_link_closes_open_invitations(owner, link, noa, now):
    waiting = invite(owner, now, noa.email)
    permanent_link.join(link, noa, now)
    assert not reread(waiting).is_open(now)


def test_joining_with_an_unconfirmed_address_closes_no_invitation(owner, link, now):
    waiting = invite(owner, now, "new@example.org")
    permanent_link.join_as_new(link, new_profile("new@example.org"), now)
    assert reread(waiting).is_open(now)


def test_an_account_has_no_link_until_it_is_enabled(owner, now):
    assert permanent_link.active(owner.account) is None
    link = permanent_link.enable(owner, now)
    assert permanent_link.active(owner.account) == link
    assert actions(owner.account)[-1] == "link_enabled"


def test_enabling_twice_keeps_the_link(owner, link, now):
    assert permanent_link.enable(owner, now) == link
    assert actions(owner.account).count("link_enabled") == 1


def test_enabling_after_deleting_creates_another_link(owner, link, now, signer):
    token = signer.token(Purpose.PERMANENT_LINK, link)
    permanent_link.delete(owner, now)
    assert permanent_link.active(owner.account) is None
    assert signer.token(Purpose.PERMANENT_LINK, permanent_link.enable(owner, now)) != token
    assert actions(owner.account)[-3:] == ["link_enabled", "link_deleted", "link_enabled"]


def test_deleting_without_a_link_does_nothing(owner, now):
    permanent_link.delete(owner, now)
    assert "link_deleted" not in actions(owner.account)


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
def test_moderators_and_users_can_neither_enable_nor_delete(people, link, now, role):
    with refused(Reason.NOT_ALLOWED):
        permanent_link.enable(people[role], now)
    with refused(Reason.NOT_ALLOWED):
        permanent_link.delete(people[role], now)
    assert reread(link).deleted_at is None


def test_each_account_has_its_own_link(people, link, now):
    theirs = permanent_link.enable(people.stranger, now)
    assert theirs != link
    permanent_link.delete(people.stranger, now)
    assert permanent_link.active(link.account) == link


def test_joining_gives_the_role_user(link, noa, now):
    membership = permanent_link.join(link, noa, now)
    assert (membership.account, membership.role) == (link.account, Role.USER)
    assert membership.joined_by == JoinedBy.PERMANENT_LINK
    assert actions(link.account)[-1] == "joined"


@pytest.mark.parametrize("role", Role)
def test_a_member_who_joins_again_keeps_their_role(people, link, now, role):
    assert permanent_link.join(link, people[role].user, now) == people[role]
    assert reread(people[role]).role is role
    assert "joined" not in actions(link.account)


def test_an_inactive_member_cannot_come_back_with_the_link(people, owner, link, now):
    memberships.deactivate(owner, people[Role.USER], now)
    with refused(Reason.REMOVED_MEMBER):
        permanent_link.join(link, people[Role.USER].user, now)
    assert not reread(people[Role.USER]).is_active


def test_a_deleted_link_lets_nobody_in(owner, link, noa, now):
    permanent_link.delete(owner, now)
    permanent_link.enable(owner, now)
    with refused(Reason.LINK_CLOSED):
        permanent_link.join(link, noa, now)
    with refused(Reason.LINK_CLOSED):
        permanent_link.join_as_new(link, new_profile(), now)
    assert User.get_or_none(User.email == "new@example.org") is None


def test_a_new_person_joins_unconfirmed_and_gets_a_confirmation_mail(link, now):
    membership = permanent_link.join_as_new(link, new_profile(), now)
    assert membership.role is Role.USER
    assert not membership.user.is_confirmed
    mail = Delivery.get()
    assert (mail.recipient, mail.kind) == ("new@example.org", "confirm_email")


def test_an_address_with_a_profile_has_to_log_in_to_join(link, noa, now):
    with refused(Reason.PROFILE_EXISTS):
        permanent_link.join_as_new(link, new_profile(noa.email), now)
    assert memberships.find(link.account, noa) is None


def test_active_members_who_joined_with_a_link_are_counted(owner, link, noa, now):
    later = now + timedelta(days=1)
    permanent_link.join(link, noa, now)
    second = permanent_link.join_as_new(link, new_profile(), later)
    assert permanent_link.joined_count(owner.account) == 2
    assert permanent_link.joined_count(owner.account, since=later) == 1
    memberships.deactivate(owner, second, later)
    assert permanent_link.joined_count(owner.account) == 1


def test_a_link_only_ever_gives_the_role_user(people, now):
    permanent_link.enable(people[Role.ADMIN], now)
    assert [link.role for link in PermanentLink.select()] == [Role.USER]
