"""Shorthands for tests in which a worker sends mail to a server."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest
from peewee import fn

from invites.models import Delivery, DeliveryState
from invites.outbox.journal import JournalEntry
from invites.outbox.retry import SendResult
from invites.sending.connection_pool import ConnectionPool
from invites.sending.worker import Worker

SENT, QUEUED, FAILED = DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.FAILED

# For tests that don't depend on how one connection works.
ONE_WAY = pytest.mark.parametrize("server", [True], indirect=True, ids=["pipelining"])


def people(number: int) -> list[str]:
    return [f"person{n:03}@example.org" for n in range(number)]


def states() -> dict[str, int]:
    counted = Delivery.select(Delivery.state, fn.COUNT(Delivery.id)).group_by(Delivery.state)
    return dict(counted.tuples())


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def drain(worker: Worker) -> int:
    """Sends all due mail over one connection at a time; returns how many were sent or failed.

    Raises ServerUnavailable.
    """
    dispatcher, done = worker._dispatcher, []
    finish = dispatcher.finish

    def finish_and_count(entries: Sequence[JournalEntry]) -> None:
        finished = (SendResult.SENT, SendResult.FAILED)
        done.extend(entry for entry in entries if entry.attempt.result in finished)
        finish(entries)

    dispatcher.finish = finish_and_count
    try:
        with closing(ConnectionPool(dispatcher, worker._builder)) as pool:
            while len(pool) or pool.has_work():
                if not len(pool):
                    pool.connect(worker._mail)
                pool.limit(int(pool.has_work()))  # without work, the connection quits
                for error in filter(None, pool.run_once(0.1)):
                    raise error
    finally:
        dispatcher.finish = finish
    return len(done)
