"""The audit log: what it records, finds and refuses to change."""

from datetime import timedelta

import pytest
from peewee import IntegrityError, OperationalError

from invites.authorization import audit_log
from invites.authorization.audit_log import AuditAction, AuditCategory
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import accounts, memberships
from invites.models import AuditEntry, Invitation, InvitationState, Membership
from invites.outbox import batches
from tests.support.actions import invite, refused, reread
from tests.support.people import make_user

PHONE = "Safari, iOS"
LAPTOP = "Firefox, Linux"


def actions(owner, category=None, search=""):
    return [one.action for one in audit_log.entries(owner.account, category, search)]


@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditEntry.update(details={}).execute(),
        lambda: AuditEntry.delete().execute(),
        lambda: AuditEntry.get().delete_instance(),
    ],
    ids=["changed", "deleted", "one deleted"],
)
def test_an_entry_can_be_neither_changed_nor_deleted(owner, change):
    before = list(AuditEntry.select().dicts())
    with pytest.raises((IntegrityError, OperationalError)):
        change()
    assert list(AuditEntry.select().dicts()) == before


def test_the_newest_comes_first_and_each_category_alone(people, now):
    owner = people[Role.OWNER]
    invite(owner, now, "new@example.org")
    memberships.change_role(owner, people[Role.USER], Role.MODERATOR, now)
    assert actions(owner)[:2] == [AuditAction.ROLE_CHANGED, AuditAction.INVITED]
    assert actions(owner, AuditCategory.INVITATIONS) == [AuditAction.INVITED]
    assert actions(owner, AuditCategory.PEOPLE) == [AuditAction.ROLE_CHANGED]


def test_an_entry_is_found_by_actor_and_by_the_person_concerned(people, now):
    owner = people[Role.OWNER]
    memberships.deactivate(people[Role.ADMIN], people[Role.USER], now)
    assert actions(owner, search="uma@") == [AuditAction.DEACTIVATED]
    assert actions(owner, search=people[Role.ADMIN].user.name.upper()) == [AuditAction.DEACTIVATED]
    assert actions(owner, search=people[Role.USER].user.name.lower()) == [AuditAction.DEACTIVATED]
    assert actions(owner, search="email") == actions(owner, search='"') == []


def test_names_of_people_who_never_belonged_are_not_searched(people, now):
    owner, zoe = people[Role.OWNER], people.stranger.user
    invite(owner, now, zoe.email)
    manage.revoke(owner, Invitation.get(), now)
    assert actions(owner, search=zoe.email) == [AuditAction.REVOKED]
    assert actions(owner, search=zoe.name) == []


def test_entries_of_other_accounts_are_not_listed(people, now):
    account = accounts.create("Elsewhere", make_user("Zed", "zed@example.org", now), now)
    zed = Membership.get(Membership.account == account)
    invite(zed, now, "new@example.org")
    assert AuditAction.INVITED not in actions(people[Role.OWNER])
    assert actions(zed) == [AuditAction.INVITED, AuditAction.ACCOUNT_CREATED]


class TestSigningIn:
    def test_the_entry_names_the_device(self, people, now):
        uma = people[Role.USER].user
        for device in (PHONE, LAPTOP):
            audit_log.record_login(uma, device, now + timedelta(days=1))
        found = audit_log.entries(people[Role.OWNER].account, AuditCategory.LOGINS, "")
        assert [one.details["device"] for one in found] == [LAPTOP, PHONE]

    def test_ten_a_day_are_recorded_and_the_tenth_says_that_there_may_be_more(self, people, now):
        uma, mo = people[Role.USER].user, people[Role.MODERATOR].user
        for _ in range(30):
            audit_log.record_login(uma, PHONE, now)
        audit_log.record_login(mo, LAPTOP, now)
        audit_log.record_login(uma, LAPTOP, now + timedelta(days=1))
        found = audit_log.entries(people[Role.OWNER].account, AuditCategory.LOGINS, "")
        assert [one.actor for one in found] == [uma, mo, *[uma] * 10]
        assert [one.details["is_last"] for one in found] == [False, False, True, *[False] * 9]

    def test_accounts_that_the_person_left_get_no_entry(self, people, now):
        uma = people[Role.USER]
        memberships.deactivate(people[Role.OWNER], uma, now)
        audit_log.record_login(uma.user, PHONE, now)
        assert actions(people[Role.OWNER], AuditCategory.LOGINS) == []

    @pytest.mark.usefixtures("database")
    def test_a_person_without_an_account_gets_no_entry(self, now):
        audit_log.record_login(make_user("Zed", "zed@example.org", now), PHONE, now)
        assert not AuditEntry.select().exists()


class TestFlooding:
    @pytest.fixture(autouse=True)
    def few(self, monkeypatch):
        monkeypatch.setattr(audit_log, "_MAX_ENTRIES_A_DAY", 5)

    @pytest.mark.parametrize("kind", ["invitation", "batch", "member"])
    def test_nobody_hides_an_entry_among_endless_ones(self, people, now, kind):
        moderator = people[Role.MODERATOR]
        invitation = invite(people[Role.OWNER], now, "ann@example.org")
        do, undo, of = {
            "invitation": (manage.revoke, manage.restore, invitation),
            "batch": (batches.pause, batches.resume, invitation.batch),
            "member": (memberships.deactivate, memberships.reactivate, people[Role.USER]),
        }[kind]
        for _ in range(2):
            do(moderator, of, now)
            undo(moderator, of, now)
        do(moderator, of, now)
        with refused(Reason.CHANGE_LIMIT):
            undo(moderator, of, now)
        assert len(actions(moderator, search=moderator.user.email)) == 5
        undo(people[Role.ADMIN], of, now)
        do(moderator, of, now + timedelta(days=1, minutes=1))

    def test_a_refused_change_is_not_made(self, people, now):
        moderator = people[Role.MODERATOR]
        invitation = invite(people[Role.OWNER], now, "ann@example.org")
        for _ in range(5):
            audit_log.record(AuditAction.RESENT, moderator.account, moderator.user, now)
        with refused(Reason.CHANGE_LIMIT):
            manage.revoke(moderator, invitation, now)
        assert reread(invitation).state == InvitationState.PENDING

    def test_logging_in_is_not_refused(self, people, now):
        moderator = people[Role.MODERATOR]
        for _ in range(5):
            audit_log.record(AuditAction.RESENT, moderator.account, moderator.user, now)
        audit_log.record_login(moderator.user, PHONE, now)
        assert actions(moderator)[0] == AuditAction.LOGGED_IN
