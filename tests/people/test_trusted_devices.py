"""What a browser carries of those who signed in by it."""

from datetime import timedelta

import pytest

from invites.core.tokens import Purpose, Signer
from invites.models import User
from invites.people import trusted_devices
from tests.conftest import NOW


def person(number: int) -> User:
    return User(id=number, created_at=NOW)


def test_it_is_known_to_those_who_signed_in_and_to_nobody_else(signer: Signer) -> None:
    marks = trusted_devices.added(trusted_devices.added("", person(1), signer), person(2), signer)
    known = [
        number for number in (1, 2, 3) if trusted_devices.is_trusted(marks, person(number), signer)
    ]
    assert known == [1, 2]
    assert not trusted_devices.is_trusted(
        trusted_devices.removed(marks, person(1)), person(1), signer
    )
    assert trusted_devices.added(marks, person(2), signer) == marks


def test_it_carries_ten_at_most_the_newest_ones(signer: Signer) -> None:
    marks = ""
    for number in range(1, 13):
        marks = trusted_devices.added(marks, person(number), signer)
    known = [n for n in range(1, 13) if trusted_devices.is_trusted(marks, person(n), signer)]
    assert known == list(range(3, 13))


@pytest.mark.parametrize("marks", ["", "1", "1-", ".", "x.1-x", "1-\xff\u20ac", "1-a" * 9_999])
def test_what_is_made_up_is_known_to_nobody_and_not_carried_on(signer: Signer, marks: str) -> None:
    assert not trusted_devices.is_trusted(marks, person(1), signer)
    mine = signer.token(Purpose.TRUSTED_DEVICE, person(1))
    assert trusted_devices.added(marks, person(1), signer) == mine


def test_a_mark_of_a_person_whose_number_came_back_is_nothing(signer: Signer) -> None:
    marks = trusted_devices.added("", person(1), signer)
    later = User(id=1, created_at=NOW + timedelta(seconds=1))
    assert not trusted_devices.is_trusted(marks, later, signer)
