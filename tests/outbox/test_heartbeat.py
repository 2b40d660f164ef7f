"""The worker's heartbeat, and the outage that it reports."""

from datetime import timedelta

from invites.models import WorkerStatus
from invites.outbox import heartbeat

MINUTE = timedelta(minutes=1)


def test_a_worker_is_running_while_its_last_heartbeat_is_recent(database, now):
    assert not heartbeat.worker_is_running(now)
    heartbeat.record(now)
    assert heartbeat.worker_is_running(now + MINUTE)
    assert not heartbeat.worker_is_running(now + 2 * MINUTE)


def test_a_stopped_worker_is_not_running(database, now):
    heartbeat.record(now, "connection refused")
    heartbeat.clear()
    assert not heartbeat.worker_is_running(now)
    assert heartbeat.outage() == ""


def test_an_outage_is_reported_until_it_ends(database, now):
    assert heartbeat.outage() == ""
    heartbeat.record(now, "connection refused " * 100)
    assert heartbeat.outage().startswith("connection refused")
    assert len(heartbeat.outage()) == 500
    heartbeat.record(now + MINUTE)
    assert heartbeat.outage() == ""
    assert WorkerStatus.select().count() == 1
