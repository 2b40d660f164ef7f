"""The record of who did what."""

from datetime import timedelta

import pytest
from peewee import IntegrityError, OperationalError

from invites.authorization import audit_log
from invites.authorization.audit_log import KINDS, AuditAction, Kind
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import accounts, memberships
from invites.models import AuditEntry, Invitation, Membership
from tests.support.actions import invite
from tests.support.people import make_user

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"


def told(owner, kind=None, search=""):
    return [one.action for one in audit_log.recorded(owner.account, kind, search)]


@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditEntry.update(details={}).execute(),
        lambda: AuditEntry.delete().execute(),
        lambda: AuditEntry.get().delete_instance(),
    ],
    ids=["changed", "deleted", "one deleted"],
)
def test_what_was_done_can_neither_be_changed_nor_deleted(owner, change):
    before = list(AuditEntry.select().dicts())
    with pytest.raises((IntegrityError, OperationalError)):
        change()
    assert list(AuditEntry.select().dicts()) == before


def test_every_deed_is_of_one_kind():
    of_a_kind = [action for actions in KINDS.values() for action in actions]
    assert sorted(of_a_kind) == sorted(AuditAction)


def test_the_newest_comes_first_and_each_kind_alone(people, now):
    owner = people[Role.OWNER]
    invite(owner, now, "new@example.org")
    memberships.change_role(owner, people[Role.USER], Role.MODERATOR, now)
    assert told(owner)[:2] == [AuditAction.ROLE_CHANGED, AuditAction.INVITED]
    assert told(owner, Kind.INVITATIONS) == [AuditAction.INVITED]
    assert told(owner, Kind.PEOPLE) == [AuditAction.ROLE_CHANGED]


def test_it_is_found_by_who_did_it_and_to_whom(people, now):
    owner = people[Role.OWNER]
    memberships.deactivate(people[Role.ADMIN], people[Role.USER], now)
    assert told(owner, search="uma@") == [AuditAction.DEACTIVATED]
    assert told(owner, search=people[Role.ADMIN].user.name.upper()) == [AuditAction.DEACTIVATED]
    assert told(owner, search=people[Role.USER].user.name.lower()) == [AuditAction.DEACTIVATED]
    assert told(owner, search="email") == told(owner, search='"') == []


def test_names_of_people_who_never_belonged_are_not_searched(people, now):
    owner, zoe = people[Role.OWNER], people.stranger.user
    invite(owner, now, zoe.email)
    manage.revoke(owner, Invitation.get(), now)
    assert told(owner, search=zoe.email) == [AuditAction.REVOKED]
    assert told(owner, search=zoe.name) == []


def test_those_of_other_accounts_are_not_among_them(people, now):
    account = accounts.create("Elsewhere", make_user("Zed", "zed@example.org", now), now)
    zed = Membership.get(Membership.account == account)
    invite(zed, now, "new@example.org")
    assert AuditAction.INVITED not in told(people[Role.OWNER])
    assert told(zed) == [AuditAction.INVITED, AuditAction.ACCOUNT_CREATED]


class TestSigningIn:
    def test_says_from_where(self, people, now):
        uma = people[Role.USER].user
        for device in (PHONE, LAPTOP):
            audit_log.record_sign_in(uma, device, now + timedelta(days=1))
        found = audit_log.recorded(people[Role.OWNER].account, Kind.SIGN_INS, "")
        assert [one.details["device"] for one in found] == ["Firefox, Linux", "Safari, iOS"]

    def test_accounts_that_somebody_has_left_hear_nothing(self, people, now):
        uma = people[Role.USER]
        memberships.deactivate(people[Role.OWNER], uma, now)
        audit_log.record_sign_in(uma.user, PHONE, now)
        assert told(people[Role.OWNER], Kind.SIGN_INS) == []

    @pytest.mark.usefixtures("database")
    def test_who_belongs_nowhere_is_on_no_record(self, now):
        audit_log.record_sign_in(make_user("Zed", "zed@example.org", now), PHONE, now)
        assert not AuditEntry.select().exists()
