"""The members of one account."""

import pytest

from invites.core.paging import PAGE_SIZE
from invites.core.roles import Role
from invites.members import memberships
from invites.members.account_members import AccountMembers
from tests.support.people import make_member


@pytest.fixture
def members(people, account):
    def page(number=1, *, active=True, search=""):
        return AccountMembers(account).page(number, active=active, search=search)

    return page


def names(page):
    return [membership.user.name for membership in page]


def test_members_are_listed_by_name(members):
    assert names(members()) == ["Ada Okafor", "Mo Diaz", "Olive Martin", "Uma Roy"]


def test_inactive_members_have_a_list_of_their_own(members, people, owner, now):
    memberships.deactivate(owner, people[Role.USER], now)
    assert "Uma Roy" not in names(members())
    assert names(members(active=False)) == ["Uma Roy"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("okafor", ["Ada Okafor"]),
        ("MO@EXAMPLE", ["Mo Diaz"]),
        ("m", ["Ada Okafor", "Mo Diaz", "Olive Martin", "Uma Roy"]),
        ("%", []),
        ("_", []),
        ("'", []),
        ("zoe", []),
    ],
)
def test_members_are_found_by_part_of_their_name_or_address(members, search, found):
    assert names(members(search=search)) == found


def test_search_and_order_ignore_case_and_accents(members, account, now):
    for number, name in enumerate(["Önder", "ödön", "Muller", "MÜLLER", "Zed", "Ærø"]):
        make_member(account, name, f"p{number}@example.org", Role.USER, now)
    assert names(members(search="müller")) == ["Muller", "MÜLLER"]
    assert names(members(search="OD")) == ["ödön"]
    everybody = names(members())
    assert everybody[2:6] == ["Muller", "MÜLLER", "ödön", "Olive Martin"]
    assert everybody.index("Önder") < everybody.index("Uma Roy")


def test_a_long_list_has_pages(members, account, now):
    for number in range(PAGE_SIZE):
        make_member(account, f"Zed {number:03}", f"z{number}@example.org", Role.USER, now)
    first, second = members(), members(2)
    assert (first.first, first.last, first.total, first.has_next) == (1, 50, 54, True)
    assert (second.first, second.last, second.total, second.has_next) == (51, 54, 54, False)
    assert not set(names(first)) & set(names(second))


@pytest.mark.parametrize(("asked", "shown"), [(-5, 1), (0, 1), (2, 1), (10**30, 1)])
def test_a_page_number_out_of_range_gives_the_nearest_page(members, asked, shown):
    assert members(asked).number == shown


def test_an_empty_list_has_one_empty_page(members):
    page = members(search="nobody")
    assert (page.number, page.first, page.last, page.total, page.has_next) == (1, 0, 0, 0, False)
