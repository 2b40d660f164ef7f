"""Helpers for tests in which a worker sends email to a server."""

import time
from collections.abc import Callable
from contextlib import closing

import pytest
from peewee import fn

from invites.models import Delivery, DeliveryState
from invites.sending.connection_pool import ConnectionPool
from invites.sending.dispatcher import Dispatcher
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
    """Sends all due email over one connection at a time. Returns how many were sent or failed.

    Raises ServerUnavailable.
    """
    dispatcher = worker._dispatcher
    before = _finished(dispatcher)

    def has_work() -> bool:
        dispatcher._fold()
        return dispatcher.has_work()

    with closing(ConnectionPool(dispatcher)) as pool:
        try:
            while len(pool) or has_work():
                if not len(pool):
                    pool.connect(worker._mail_server, worker._builder.sender)
                pool.limit(int(has_work()))  # without work, the connection quits
                for error in filter(None, pool.run_once(0.1)):
                    pool.run_once(0)  # commits the last outcome
                    raise error
        finally:
            dispatcher.close()
    return _finished(dispatcher) - before


def _finished(dispatcher: Dispatcher) -> int:
    own = Delivery.claimed_by == dispatcher._worker
    return int(Delivery.select().where(own, Delivery.state.in_((SENT, FAILED))).count())
