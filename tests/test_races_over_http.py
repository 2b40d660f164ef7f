"""Simultaneous requests to a real server."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from time import monotonic

import pytest

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.members import accounts, memberships, ownership
from invites.models import Delivery, DeliveryState, Invitation, InvitationState, Membership, User
from tests.support.actions import invite
from tests.support.http_client import HttpClient
from tests.support.people import PASSWORD, make_user
from tests.support.server import OWNER, Server, running, set_up_data

pytestmark = pytest.mark.slow

ACCOUNT = "/accounts/riverside-relief"
ANSWERS = {200, 303, 403, 404, 409, 410, 422, 503}  # never 500


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that Olive has set up."""
    data: Path = set_up_data(tmp_path_factory.mktemp("server") / "data")
    with running(data) as server, server.rules():
        yield server


def at_once(*actions: Callable[[], int]) -> list[int]:
    """Does all of it at the same time; returns the responses."""
    start = Barrier(len(actions))

    def do(action: Callable[[], int]) -> int:
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        answers = list(threads.map(do, actions))
    assert set(answers) <= ANSWERS
    return answers


def members(email: str) -> list[Membership]:
    return list(Membership.select().join(User).where(User.email == email))


def test_twenty_simultaneous_acceptances_create_one_profile_and_one_member(server: Server) -> None:
    link = server.invitation_link("noa@example.org")
    clients = [HttpClient(server) for _ in range(20)]
    for client in clients:
        client.get(link)
    form = {"name": "Noa New", "password": PASSWORD}
    answers = at_once(
        *(lambda client=client: client.post(f"{link}/acceptance", **form) for client in clients)
    )
    assert 200 in answers
    assert len(members("noa@example.org")) == 1
    assert User.select().where(User.email == "noa@example.org").count() == 1


def test_twenty_simultaneous_acceptances_with_a_profile_create_one_member(server: Server) -> None:
    make_user("Kim Known", "kim@example.org", utcnow())
    link = server.invitation_link("kim@example.org")
    one = HttpClient(server, "kim@example.org")
    one.get(link)
    at_once(*[lambda: one.post(f"{link}/acceptance")] * 20)
    assert len(members("kim@example.org")) == 1


@pytest.mark.parametrize("round_", range(5))
def test_simultaneous_accept_decline_revoke_and_resend_leave_a_consistent_state(
    server: Server, round_: int
) -> None:
    email = f"race{round_}@example.org"
    offered: Invitation = invite(server.owner, utcnow(), email)
    sent = {"state": DeliveryState.SENT, "finished_at": utcnow()}
    Delivery.update(sent).where(Delivery.invitation == offered).execute()
    link = server.links.mailed_invitation(offered)
    olive, yes, no = HttpClient(server, OWNER), HttpClient(server), HttpClient(server)
    for client, place in ((olive, f"{ACCOUNT}/invitations"), (yes, link), (no, link)):
        client.get(place)
    mine = f"{ACCOUNT}/invitations/{offered.id}"
    form = {"name": "Rae Racer", "password": PASSWORD}
    at_once(
        lambda: yes.post(f"{link}/acceptance", **form),
        lambda: no.post(f"{link}/refusal"),
        lambda: olive.post(f"{mine}/revocation"),
        lambda: olive.post(f"{mine}/resend"),
    )
    state = Invitation.get_by_id(offered.id).state
    assert (len(members(email)) == 1) == (state == InvitationState.ACCEPTED)
    assert User.select().where(User.email == email).count() == len(members(email))


@pytest.mark.parametrize("round_", range(5))
@pytest.mark.parametrize("action", ["demote", "remove"])
def test_two_owners_who_deactivate_each_other_leave_one_owner(
    server: Server, action: str, round_: int
) -> None:
    emails = [f"{action}{round_}{which}@example.org" for which in ("a", "b")]
    one, other = (make_user("Oz Owner", email, utcnow()) for email in emails)
    account = accounts.create(f"Account {action} {round_}", one, utcnow())
    ownership.rescue(account, other, utcnow())
    users = f"/accounts/{account.slug}/users"

    def end(me: User, them: User) -> Callable[[], int]:
        client, theirs = HttpClient(server, me.email), Membership.get(Membership.user == them).id
        client.get(users)
        if action == "demote":
            return lambda: client.post(f"{users}/{theirs}/edit", role=int(Role.USER))
        return lambda: client.post(f"{users}/{theirs}/deactivation")

    at_once(end(one, other), end(other, one))
    assert len(memberships.owners(account)) == 1


def test_a_session_that_ended_is_over_for_simultaneous_requests(server: Server) -> None:
    make_user("Lou Out", "lou@example.org", utcnow())
    lou = HttpClient(server, "lou@example.org")
    lou.get("/profile")
    at_once(lambda: lou.post("/logout"), *[lambda: lou.get("/profile")] * 10)
    lou.post("/profile/details", name="Mallory")
    assert User.get(User.email == "lou@example.org").name == "Lou Out"


def test_pages_are_served_while_sixty_people_log_in(server: Server) -> None:
    clients = [HttpClient(server) for _ in range(60)]
    for client in clients:
        client.get("/login")
    visitor, over, waits = HttpClient(server), Event(), []

    def look_around() -> None:
        while not over.is_set():
            before = monotonic()
            assert visitor.get("/login") == 200
            waits.append(monotonic() - before)

    with ThreadPoolExecutor(1) as beside:
        looked = beside.submit(look_around)
        wrong = {"password": "a wrong one"}
        try:
            answers = at_once(
                *(
                    lambda client=client, number=number: client.post(
                        "/login", email=f"nobody{number}@example.org", **wrong
                    )
                    for number, client in enumerate(clients)
                )
            )
        finally:
            over.set()
        looked.result()
    assert 503 in answers
    assert max(waits) < 2
    assert visitor.post("/login", email=OWNER, password=PASSWORD) == 200
