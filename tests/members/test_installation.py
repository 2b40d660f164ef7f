"""Setup of a new installation."""

import pytest

from invites.core.errors import Reason
from invites.core.roles import Role
from invites.members import installation
from invites.models import Account, Membership, User
from tests.support.actions import new_profile, refused


def test_a_new_installation_is_not_set_up(database):
    assert not installation.is_set_up()


def test_the_installer_owns_the_first_account_and_is_confirmed(database, now):
    account, installer = installation.set_up("Riverside Relief", new_profile(), now)
    assert installation.is_set_up()
    assert installer.is_installer
    assert User.get().is_installer
    assert User.get().is_confirmed
    membership = Membership.get()
    assert (membership.account, membership.user) == (account, installer)
    assert membership.role is Role.OWNER


def test_setup_works_only_once(database, now):
    installation.set_up("Riverside Relief", new_profile(), now)
    with refused(Reason.ALREADY_SET_UP):
        installation.set_up("Mine", new_profile("other@example.org"), now)
    assert User.select().count() == Account.select().count() == 1


@pytest.mark.parametrize(
    ("name", "reason"), [("", Reason.TEXT_MISSING), ("evil.example", Reason.TEXT_LINK)]
)
def test_a_refused_setup_creates_nothing(database, now, name, reason):
    with refused(reason):
        installation.set_up(name, new_profile(), now)
    assert not installation.is_set_up()
    installation.set_up("Riverside Relief", new_profile(), now)
