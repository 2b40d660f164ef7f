"""Work in subprocesses."""

import errno
import os
import signal
import threading
import time

import pytest

from invites import db
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


def fill_the_disk() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def break_down() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.slow
def test_work_runs_in_another_process() -> None:
    assert subprocess_pool.run(process_id, "x", 1) != os.getpid()


@pytest.mark.slow
def test_work_uses_the_same_database() -> None:
    assert subprocess_pool.run(make_somebody, "some@example.org") == "some@example.org"
    assert User.get().email == "some@example.org"


@pytest.mark.slow
def test_a_rule_error_is_raised_with_its_details() -> None:
    with pytest.raises(RuleError) as caught:
        subprocess_pool.run(refuse)
    assert caught.value.reason is Reason.LIST_TOO_LONG
    assert caught.value.details == {"limit": 7}


@pytest.mark.slow
def test_a_fault_of_the_server_is_told_from_a_crash() -> None:
    with pytest.raises(db.FaultError) as caught:
        subprocess_pool.run(fill_the_disk)
    assert caught.value.fault is db.Fault.FULL


@pytest.mark.slow
def test_a_crash_raises_an_error_and_the_next_process_works() -> None:
    for _ in range(3):
        with pytest.raises(PoolError):
            subprocess_pool.run(break_down)
    assert subprocess_pool.run(process_id)


def test_work_that_takes_too_long_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocess_pool, "_MAX_SECONDS", 0.1)
    started = time.monotonic()
    with pytest.raises(PoolError):
        subprocess_pool.run(time.sleep, 60)
    assert subprocess_pool.take_seconds_spent() >= 0.1
    assert time.monotonic() - started < 30


def work_hard(seconds: float) -> None:
    while time.process_time() < seconds:
        pass


@pytest.mark.slow
def test_the_processor_time_of_the_work_is_counted() -> None:
    subprocess_pool.take_seconds_spent()
    subprocess_pool.run(work_hard, 3.0)
    assert 0.1 < subprocess_pool.take_seconds_spent() < 4
    assert subprocess_pool.take_seconds_spent() == 0


@pytest.mark.slow
def test_the_processor_time_of_starting_the_process_is_counted() -> None:
    """Otherwise many small tasks would cost nothing."""
    subprocess_pool.take_seconds_spent()
    subprocess_pool.run(process_id)
    assert subprocess_pool.take_seconds_spent() > 0.02


@pytest.mark.slow
def test_each_process_works_once() -> None:
    first, second = subprocess_pool.run(process_id), subprocess_pool.run(process_id)
    assert first != second


@pytest.mark.slow
def test_a_spare_process_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    monkeypatch.setattr(subprocess_pool, "_SPARE_SECONDS", 0.01)
    subprocess_pool.run(process_id)
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert subprocess_pool._spare.take() is None
    assert subprocess_pool.run(process_id)
