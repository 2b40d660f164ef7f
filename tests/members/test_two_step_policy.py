"""Accounts that require two-step verification of their Moderators and up."""

from datetime import datetime

import pytest
from flask import Flask

from invites.authorization.audit_log import AuditAction
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.mail.rendering import render
from invites.members import memberships, two_step_policy
from invites.models import (
    Account,
    AuditEntry,
    Authenticator,
    Delivery,
    Membership,
    SecurityEvent,
    User,
)
from invites.people import totp, two_step
from tests.people.test_security_notices import sent_notices
from tests.support.actions import refused
from tests.support.people import People
from tests.support.populated_account import services


def have_two_step(user: User, now: datetime) -> None:
    totp.create(user, now)
    Authenticator.update(confirmed_at=now).where(Authenticator.user == user).execute()


@pytest.fixture
def owner_with_one(owner: Membership, now: datetime) -> Membership:
    """An Account Owner who has set it up."""
    have_two_step(owner.user, now)
    return owner


def member(role: Role, people: People) -> Membership:
    """The membership as a request reads it."""
    return Membership.get_by_id(people[role].id)


def test_it_is_required_of_moderators_and_up_and_never_of_users(
    owner_with_one: Membership, people: People, now: datetime
) -> None:
    two_step_policy.require(owner_with_one, True, now)
    missing = {role for role in Role if two_step_policy.must_set_up(member(role, people))}
    assert missing == {Role.MODERATOR, Role.ADMIN}
    have_two_step(people[Role.MODERATOR].user, now)
    assert not two_step_policy.must_set_up(member(Role.MODERATOR, people))


def test_nothing_is_missing_if_the_account_does_not_require_it(people: People) -> None:
    assert not any(two_step_policy.must_set_up(member(role, people)) for role in Role)


def test_nobody_locks_themselves_out(owner: Membership, now: datetime) -> None:
    with refused(Reason.TWO_STEP_FIRST):
        two_step_policy.require(owner, True, now)
    assert not Account.get().requires_two_step


def test_members_who_turn_theirs_off_later_are_locked_out_again(
    owner_with_one: Membership, people: People, now: datetime
) -> None:
    two_step_policy.require(owner_with_one, True, now)
    two_step.disable(owner_with_one.user, now)
    assert two_step_policy.must_set_up(member(Role.OWNER, people))


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
def test_only_those_who_can_change_settings_can_change_it(
    people: People, now: datetime, role: Role
) -> None:
    have_two_step(people[role].user, now)
    with refused(Reason.NOT_ALLOWED):
        two_step_policy.require(people[role], True, now)


def test_it_is_recorded_once(owner_with_one: Membership, now: datetime) -> None:
    for required in (True, True, False):
        two_step_policy.require(owner_with_one, required, now)
    actions = [entry.action for entry in AuditEntry.select().order_by(AuditEntry.id)]
    assert actions[-2:] == [AuditAction.TWO_STEP_REQUIRED, AuditAction.TWO_STEP_OPTIONAL]
    assert actions.count(AuditAction.TWO_STEP_REQUIRED) == 1


def test_members_without_it_are_listed_by_name(owner_with_one: Membership, people: People) -> None:
    User.update(name="Émile Roux").where(User.id == people[Role.ADMIN].user_id).execute()
    names = [user.name for user in two_step_policy.members_without(owner_with_one.account)]
    assert names == ["Émile Roux", "Mo Diaz"]


def test_only_members_without_it_are_notified_and_only_once(
    owner_with_one: Membership, people: People, now: datetime
) -> None:
    have_two_step(people[Role.ADMIN].user, now)
    for required in (True, False, True):
        two_step_policy.require(owner_with_one, required, now)
    assert sent_notices() == [("mo@example.org", SecurityEvent.TWO_STEP_REQUIRED)]


def test_the_mail_is_not_sent_to_members_who_have_set_it_up_since(
    app: Flask, owner_with_one: Membership, people: People, now: datetime
) -> None:
    two_step_policy.require(owner_with_one, True, now)
    mail = Delivery.get(Delivery.recipient == "mo@example.org")
    mail_context = services(app).mail_context
    with app.app_context():
        assert "Account Owners of Riverside Relief" in render(mail, mail_context, now).html
        have_two_step(people[Role.MODERATOR].user, now)
        assert render(mail, mail_context, now) is None


def test_members_who_get_or_regain_a_role_are_notified(
    owner_with_one: Membership, people: People, now: datetime
) -> None:
    memberships.deactivate(owner_with_one, people[Role.MODERATOR], now)
    two_step_policy.require(owner_with_one, True, now)
    uma = people[Role.USER]
    for role in (Role.MODERATOR, Role.USER, Role.ADMIN):
        memberships.change_role(owner_with_one, uma, role, now)
    memberships.reactivate(owner_with_one, people[Role.MODERATOR], now)
    asked = SecurityEvent.TWO_STEP_REQUIRED
    assert sent_notices() == [(f"{name}@example.org", asked) for name in ("ada", "uma", "mo")]


def test_members_who_have_it_or_need_none_are_not_notified(
    owner_with_one: Membership, people: People, now: datetime
) -> None:
    uma = people[Role.USER]
    memberships.change_role(owner_with_one, uma, Role.MODERATOR, now)
    memberships.change_role(owner_with_one, uma, Role.USER, now)
    have_two_step(uma.user, now)
    have_two_step(people[Role.ADMIN].user, now)
    have_two_step(people[Role.MODERATOR].user, now)
    two_step_policy.require(owner_with_one, True, now)
    memberships.change_role(owner_with_one, uma, Role.MODERATOR, now)
    assert sent_notices() == []
