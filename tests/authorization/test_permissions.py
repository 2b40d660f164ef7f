"""Permissions: the whole matrix."""

import pytest

from invites.authorization.permissions import Action, authorize, grantable_roles, is_allowed
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.models import Invitation, Membership, User
from tests.conftest import NOW
from tests.support.actions import refused

# Whether a role may do it at all.
#                                 User   Moder. Admin  Owner
AT_ALL = {
    Action.VISIT:                 ("yes", "yes", "yes", "yes"),
    Action.LEAVE:                 ("yes", "yes", "yes", "yes"),
    Action.SEE_PEOPLE:            ("no",  "yes", "yes", "yes"),
    Action.INVITE:                ("no",  "yes", "yes", "yes"),
    Action.MANAGE_INVITATION:     ("no",  "yes", "yes", "yes"),
    Action.REMOVE_MEMBER:         ("no",  "yes", "yes", "yes"),
    Action.CHANGE_ROLE:           ("no",  "no",  "yes", "yes"),
    Action.MANAGE_PERMANENT_LINK: ("no",  "no",  "yes", "yes"),
    Action.CHANGE_SETTINGS:       ("no",  "no",  "yes", "yes"),
    Action.SEE_AUDIT_LOG:          ("no",  "no",  "yes", "yes"),
    Action.CLAIM_OWNERSHIP:       ("no",  "no",  "yes", "yes"),
}  # fmt: skip

# On which roles it may do it: the first letters of User, Moderator, Admin and Owner.
#                                 User    Moder.  Admin   Owner
TO_WHOM = {
    Action.INVITE:                ("....", "U...", "UMA.", "UMAO"),
    Action.MANAGE_INVITATION:     ("....", "U...", "UMA.", "UMAO"),
    Action.REMOVE_MEMBER:         ("....", "U...", "UMA.", "UMAO"),
    Action.CHANGE_ROLE:           ("....", "....", "UMA.", "UMAO"),
}  # fmt: skip


def member(role, account=1, *, deactivated_at=None):
    user = User(email_confirmed_at=0)
    return Membership(account=account, user=user, role=role, deactivated_at=deactivated_at)


def invitation(role, account=1):
    return Invitation(account=account, role=role)


CASES_AT_ALL = [
    pytest.param(role, action, allowed == "yes", id=f"{role.name}-{action}-{allowed}")
    for action, row in AT_ALL.items()
    for role, allowed in zip(Role, row, strict=True)
]
CASES_TO_WHOM = [
    pytest.param(role, action, target, mark != ".", id=f"{role.name}-{action}-{target.name}-{mark}")
    for action, row in TO_WHOM.items()
    for role, marks in zip(Role, row, strict=True)
    for target, mark in zip(Role, marks, strict=True)
]


def test_the_table_covers_every_action():
    assert set(AT_ALL) == set(Action)


@pytest.mark.parametrize(("role", "action", "allowed"), CASES_AT_ALL)
def test_a_role_may_do_what_the_table_says(role, action, allowed):
    assert is_allowed(member(role), action) is allowed


@pytest.mark.parametrize(("role", "action", "target", "allowed"), CASES_TO_WHOM)
def test_a_role_can_act_on_the_roles_in_the_table(role, action, target, allowed):
    assert is_allowed(member(role), action, target) is allowed
    assert is_allowed(member(role), action, member(target)) is allowed
    assert is_allowed(member(role), action, invitation(target)) is allowed


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_nobody_can_act_in_another_account(role, action):
    assert not is_allowed(member(role), action, member(Role.USER, account=2))
    assert not is_allowed(member(role), action, invitation(Role.USER, account=2))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_removed_member_may_do_nothing(role, action):
    gone = member(role, deactivated_at=NOW)
    assert not is_allowed(gone, action)
    assert not is_allowed(gone, action, Role.USER)


@pytest.mark.parametrize("action", Action)
def test_a_higher_role_may_do_all_that_a_lower_one_may(action):
    for lower, higher in zip(list(Role)[:-1], list(Role)[1:], strict=True):
        for target in (None, *Role):
            if is_allowed(member(lower), action, target):
                assert is_allowed(member(higher), action, target)


def test_what_is_not_allowed_is_refused(people):
    authorize(people[Role.OWNER], Action.CHANGE_ROLE, Role.OWNER)
    with refused(Reason.NOT_ALLOWED):
        authorize(people[Role.ADMIN], Action.CHANGE_ROLE, Role.OWNER)


def test_a_member_demoted_since_the_page_was_loaded_is_refused(people):
    as_the_page_saw_them = people[Role.OWNER]
    Membership.update(role=Role.USER).where(Membership.id == as_the_page_saw_them.id).execute()
    with refused(Reason.NOT_ALLOWED):
        authorize(as_the_page_saw_them, Action.CHANGE_SETTINGS)


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        (Role.USER, []),
        (Role.MODERATOR, [Role.USER]),
        (Role.ADMIN, [Role.USER, Role.MODERATOR, Role.ADMIN]),
        (Role.OWNER, [Role.USER, Role.MODERATOR, Role.ADMIN, Role.OWNER]),
    ],
)
def test_only_roles_that_the_member_may_grant_are_offered(role, offered):
    assert grantable_roles(member(role)) == offered
