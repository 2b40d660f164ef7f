"""Shorthands of the tests that watch a worker hand mail to a server."""

import time
from collections.abc import Callable

import pytest
from peewee import fn

from invites.models import Delivery, DeliveryState

SENT, QUEUED, FAILED = DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.FAILED

# What has to do with many connections has not to do with how one of them talks.
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
