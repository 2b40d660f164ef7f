"""A page needs a fixed number of queries, however long its list is."""

from collections.abc import Callable

import pytest

from invites.core.roles import Role
from tests.support.actions import send
from tests.support.browsing import HTMX
from tests.support.people import make_member
from tests.support.populated_account import ACCOUNT, Site, path
from tests.support.queries import queries


@pytest.mark.parametrize(
    ("who", "place", "asked"),
    [
        ("nobody", lambda site: site.mailed(site.rows.pending), 3),
        ("nobody", lambda site: site.joining, 1),
        ("unconfirmed", lambda site: path(site.links.email_token(site.rows.confirmation)), 3),
        ("nobody", lambda site: path(site.links.email_token(site.rows.reset)), 1),
    ],
    ids=["invitation", "join", "confirm address", "new password"],
)
def test_a_mailed_link_opens_with_few_queries(
    site: Site, who: str, place: Callable[[Site], str], asked: int
) -> None:
    client, url = site.device(who).client, place(site)
    client.get(url)  # the first request of an application looks at the schema too
    with queries() as seen:
        assert client.get(url).status_code == 200
    assert len(seen) == asked, seen


@pytest.mark.parametrize(
    ("url", "page", "fragment"),
    [
        (f"{ACCOUNT}/invitations", 12, 10),
        (f"{ACCOUNT}/batches", 8, 7),
        (f"{ACCOUNT}/users", 5, 4),
        ("/accounts", 4, 4),
        (f"{ACCOUNT}/settings", 4, 4),
    ],
)
def test_a_list_needs_no_query_per_row(site: Site, url: str, page: int, fragment: int) -> None:
    send(site.rows.owner, site.rows.now, *(f"more{n}@example.org" for n in range(30)))
    for number in range(30):
        email = f"a{number}@example.org"
        make_member(site.rows.account, "Ann", email, Role.MODERATOR, site.rows.now)
    client = site.device("owner").client
    client.get(url)
    for headers, asked in (({}, page), (HTMX, fragment)):
        with queries() as seen:
            assert client.get(url, headers=headers).status_code == 200
        assert len(seen) == asked, seen
