"""The scope of an account: its rows are found, and no others."""

import pytest

from invites.core.errors import Reason
from invites.members.scope import Scope
from tests.support.actions import invite, refused


@pytest.fixture
def scope(people, account):
    return Scope(account)


def test_rows_of_the_account_are_found(scope, owner, now):
    invitation = invite(owner, now)
    assert scope.invitations.find(invitation.id) == invitation
    assert scope.batches.find(invitation.batch_id) == invitation.batch
    assert scope.members.find(owner.id) == owner


@pytest.mark.parametrize("missing", [0, -1, 999])
def test_another_accounts_id_answers_like_one_that_does_not_exist(scope, people, now, missing):
    theirs = invite(people.stranger, now)
    for find, number in (
        (scope.invitations.find, theirs.id),
        (scope.batches.find, theirs.batch_id),
        (scope.members.find, people.stranger.id),
        (scope.invitations.find, missing),
        (scope.batches.find, missing),
        (scope.members.find, missing),
    ):
        with refused(Reason.NOT_FOUND):
            find(number)
