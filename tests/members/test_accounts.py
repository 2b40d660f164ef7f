"""Accounts: creating one, its settings, and those of a person."""

from dataclasses import replace

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.members import accounts, memberships
from invites.members.accounts import AccountSettings
from invites.models import Account, JoinedBy, Membership
from tests.support.actions import actions, refused, reread
from tests.support.people import make_user

SETTINGS = AccountSettings(
    name="Riverside Relief",
    purpose="help hand out food",
    assignments_url="https://example.org/assignments",
    assignments_label="Your shifts",
    reply_to="Office@Example.org",
    time_zone="Europe/Paris",
    moderator_limit="50",
)


def test_the_creator_of_an_account_owns_it(account, now):
    owner = Membership.get(Membership.account == account)
    assert (owner.role, owner.joined_by, owner.is_active) == (Role.OWNER, JoinedBy.FOUNDING, True)
    assert owner.user.name == "Olive Martin"
    assert account.created_at == now
    assert actions(account) == ["account_created"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Food for All", "food-for-all"),
        ("Łódź & Żółw", "odz-zow"),
        ("Café René", "cafe-rene"),
        ("  -- 42 -- ", "42"),
        ("山田太郎", "account"),
        ("x" * 100, "x" * 48),
        ("New", "new-account"),
        ("Invitations", "invitations-account"),
    ],
)
def test_the_slug_follows_from_the_name(database, now, name, slug):
    owner = make_user("Olive Martin", "olive@example.org", now)
    assert accounts.create(name, owner, now).slug == slug


def test_accounts_with_the_same_name_get_different_slugs(account, owner, now):
    slugs = [accounts.create("Riverside Relief", owner.user, now).slug for _ in range(2)]
    assert slugs == ["riverside-relief-2", "riverside-relief-3"]


def test_an_account_with_an_invalid_name_is_not_created(database, now):
    owner = make_user("Olive Martin", "olive@example.org", now)
    with refused(Reason.TEXT_LINK):
        accounts.create("evil.example", owner, now)
    assert Account.select().count() == 0


def test_only_the_installer_adds_accounts(owner, now):
    with refused(Reason.NOT_ALLOWED):
        accounts.create_by_installer("Second", owner.user, now)
    owner.user.is_installer = True
    added = accounts.create_by_installer("Second", owner.user, now)
    assert accounts.find_membership(owner.user, added.slug).role is Role.OWNER


def test_an_admin_changes_the_settings_and_the_slug_stays(people, now):
    changed = replace(SETTINGS, name="  Riverside  Help ")
    accounts.change_settings(people[Role.ADMIN], changed, now)
    account = reread(people[Role.ADMIN].account)
    assert (account.name, account.slug) == ("Riverside Help", "riverside-relief")
    assert account.purpose == "help hand out food"
    assert account.assignments_url == "https://example.org/assignments"
    assert account.assignments_label == "Your shifts"
    assert account.reply_to == "office@example.org"
    assert account.time_zone == "Europe/Paris"
    assert account.moderator_limit == 50
    assert actions(account)[-1] == "settings_changed"


def test_purpose_link_and_reply_address_may_be_empty(owner, now):
    accounts.change_settings(
        owner, replace(SETTINGS, purpose=" ", assignments_url="", reply_to=" "), now
    )
    account = reread(owner.account)
    assert (account.purpose, account.assignments_url, account.reply_to) == ("", "", "")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("name", "", Reason.TEXT_MISSING),
        ("purpose", "see www.example.org", Reason.TEXT_LINK),
        ("assignments_url", "http://example.org", Reason.URL_NOT_HTTPS),
        ("assignments_label", "x" * 61, Reason.TEXT_TOO_LONG),
        ("reply_to", "nobody", Reason.ADDRESS_NO_AT),
        ("time_zone", "Atlantis", Reason.TIME_ZONE_UNKNOWN),
        ("moderator_limit", "0", Reason.NUMBER_OUT_OF_RANGE),
        ("moderator_limit", "many", Reason.NUMBER_OUT_OF_RANGE),
    ],
)
def test_one_invalid_setting_changes_none(owner, now, field, value, reason):
    with refused(reason):
        accounts.change_settings(owner, replace(SETTINGS, **{"name": "New", field: value}), now)
    assert owner.account.name == "Riverside Relief"
    assert reread(owner.account).name == "Riverside Relief"


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
def test_moderators_and_users_cannot_change_the_settings(people, now, role):
    with refused(Reason.NOT_ALLOWED):
        accounts.change_settings(people[role], SETTINGS, now)
    assert reread(people[role].account).purpose == ""


def test_the_accounts_of_a_person_are_ordered_by_name(people, owner, now):
    accounts.create("Alpha", owner.user, now)
    names = [membership.account.name for membership in accounts.memberships_of(owner.user)]
    assert names == ["Alpha", "Riverside Relief"]


def test_an_account_in_which_one_is_inactive_is_found_but_not_listed(people, owner, now):
    uma = people[Role.USER]
    memberships.deactivate(owner, uma, now)
    assert not accounts.find_membership(uma.user, "riverside-relief").is_active
    assert accounts.memberships_of(uma.user) == []


def test_an_account_without_membership_is_not_found(people):
    assert accounts.find_membership(people.stranger.user, "riverside-relief") is None
    assert accounts.find_membership(people.stranger.user, "no-such-account") is None
