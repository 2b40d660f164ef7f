"""Trusted devices: the cookie that says who has logged in with a browser."""

from datetime import timedelta

import pytest

from invites.core.tokens import Signer
from invites.models import User
from invites.people import trusted_devices
from tests.conftest import NOW


def person(number: int, password_hash: str = "a hash") -> User:
    return User(id=number, created_at=NOW, password_hash=password_hash)


def test_a_browser_is_trusted_by_the_users_who_logged_in(signer: Signer) -> None:
    cookie = trusted_devices.added(trusted_devices.added("", person(1), signer), person(2), signer)
    known = [
        number for number in (1, 2, 3) if trusted_devices.is_trusted(cookie, person(number), signer)
    ]
    assert known == [1, 2]
    assert not trusted_devices.is_trusted(
        trusted_devices.removed(cookie, person(1)), person(1), signer
    )
    assert trusted_devices.added(cookie, person(2), signer) == cookie


def test_a_cookie_holds_the_ten_newest_tokens(signer: Signer) -> None:
    cookie = ""
    for number in range(1, 13):
        cookie = trusted_devices.added(cookie, person(number), signer)
    known = [n for n in range(1, 13) if trusted_devices.is_trusted(cookie, person(n), signer)]
    assert known == list(range(3, 13))


@pytest.mark.parametrize("cookie", ["", "1", "1-", ".", "x.1-x", "1-\xff\u20ac", "1-a" * 9_999])
def test_forged_tokens_are_not_trusted_and_dropped(signer: Signer, cookie: str) -> None:
    assert not trusted_devices.is_trusted(cookie, person(1), signer)
    mine = trusted_devices.added("", person(1), signer)
    assert trusted_devices.added(cookie, person(1), signer) == mine


def test_a_token_of_another_user_with_the_same_id_is_not_trusted(signer: Signer) -> None:
    cookie = trusted_devices.added("", person(1), signer)
    later = User(id=1, created_at=NOW + timedelta(seconds=1), password_hash="a hash")
    assert not trusted_devices.is_trusted(cookie, later, signer)


def test_a_new_password_ends_the_trust(signer: Signer) -> None:
    cookie = trusted_devices.added("", person(1), signer)
    assert not trusted_devices.is_trusted(cookie, person(1, "another"), signer)
    renewed = trusted_devices.added(cookie, person(1, "another"), signer)
    assert trusted_devices.is_trusted(renewed, person(1, "another"), signer)
    assert "." not in renewed
