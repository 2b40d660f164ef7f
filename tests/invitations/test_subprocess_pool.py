"""Work in a process of its own."""

import os
import signal
import threading
import time

import pytest

from invites.core.errors import Reason, RuleError
from invites.invitations import subprocess_pool
from invites.invitations.subprocess_pool import PoolError
from invites.models import User
from invites.people import profiles
from invites.people.profiles import NewProfile
from tests.conftest import NOW


def process_id(*_: object) -> int:
    return os.getpid()


def make_somebody(email: str) -> str:
    return profiles.create(NewProfile("Somebody", email, "", ""), NOW, confirmed=True).email


def refuse() -> None:
    raise RuleError(Reason.LIST_TOO_LONG, limit=7)


def break_down() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.slow
def test_it_is_another_process() -> None:
    assert subprocess_pool.run(process_id, "x", 1) != os.getpid()


@pytest.mark.slow
def test_it_works_on_the_same_database() -> None:
    assert subprocess_pool.run(make_somebody, "some@example.org") == "some@example.org"
    assert User.get().email == "some@example.org"


@pytest.mark.slow
def test_a_refusal_comes_through_with_its_details() -> None:
    with pytest.raises(RuleError) as caught:
        subprocess_pool.run(refuse)
    assert caught.value.reason is Reason.LIST_TOO_LONG
    assert caught.value.details == {"limit": 7}


@pytest.mark.slow
def test_a_process_that_breaks_down_is_told_and_the_next_one_works() -> None:
    for _ in range(3):
        with pytest.raises(PoolError):
            subprocess_pool.run(break_down)
    assert subprocess_pool.run(process_id)


def test_work_that_takes_too_long_is_ended_so_that_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocess_pool, "_MAX_SECONDS", 0.1)
    started = time.monotonic()
    with pytest.raises(PoolError):
        subprocess_pool.run(time.sleep, 60)
    assert time.monotonic() - started < 30


@pytest.mark.slow
def test_the_next_process_waits_for_work_and_each_works_once() -> None:
    first, second = subprocess_pool.run(process_id), subprocess_pool.run(process_id)
    assert first != second


@pytest.mark.slow
def test_a_process_that_waited_long_enough_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    monkeypatch.setattr(subprocess_pool, "_SPARE_SECONDS", 0.01)
    subprocess_pool.run(process_id)
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert subprocess_pool._spare.take() is None
    assert subprocess_pool.run(process_id)
