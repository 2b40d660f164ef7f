"""The worker as a process: stopped, killed and restarted, it loses nothing."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from peewee import PeeweeException

from invites import db
from invites.core.clock import utcnow
from invites.core.settings import Settings, load_settings
from invites.models import DeliveryState, Membership, WorkerStatus
from invites.outbox import heartbeat
from invites.sending import connection_policy, worker
from invites.sending.worker import Worker
from tests.soak import soak
from tests.support import preloaded
from tests.support.actions import invite, send
from tests.support.faults import lock, make_read_only
from tests.support.sending_actions import states, wait_for
from tests.support.smtp_fixtures import worker_of
from tests.support.smtp_server import SmtpServer

pytestmark = pytest.mark.slow

PEOPLE = [f"person{n:03}@example.org" for n in range(300)]


@pytest.fixture
def now() -> datetime:
    """The real time, which the worker uses."""
    return utcnow()


@pytest.fixture
def settings(tmp_path: Path, smtp_server: SmtpServer) -> Settings:
    """Settings with the SMTP server."""
    return load_settings(environment(tmp_path, smtp_server))


@pytest.fixture
def smtp_server() -> SmtpServer:
    """A server that is slow enough to be interrupted."""
    return SmtpServer(slow=0.005)


def environment(tmp_path: Path, smtp_server: SmtpServer) -> dict[str, str]:
    return {
        "INVITES_DATA": str(tmp_path / "data"),
        "INVITES_MAIL_SERVER": "127.0.0.1",
        "INVITES_MAIL_PORT": str(smtp_server.port),
    }


@contextmanager
def running(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[preloaded.Process]:
    """A real ``flask worker``."""
    with preloaded.worker(environment(tmp_path, smtp_server), tmp_path / "log") as process:
        yield process


def test_a_stopped_worker_finishes_its_message_and_the_next_worker_continues(
    tmp_path: Path, smtp_server: SmtpServer, owner: Membership, now: datetime
) -> None:
    send(owner, now, *PEOPLE)
    with smtp_server.open():
        with running(tmp_path, smtp_server) as first:
            wait_for(lambda: len(smtp_server.received) >= 5)
            first.terminate()
            assert first.wait(10) == 0
        assert not heartbeat.worker_is_running(utcnow())
        sent = len(smtp_server.received)
        assert 5 <= sent < len(PEOPLE)
        assert states() == {DeliveryState.SENT: sent, DeliveryState.QUEUED: len(PEOPLE) - sent}
        with running(tmp_path, smtp_server):
            wait_for(lambda: states() == {DeliveryState.SENT: len(PEOPLE)})
    assert sorted(smtp_server.recipients) == PEOPLE


def test_many_signals_at_once_stop_the_worker(
    tmp_path: Path, smtp_server: SmtpServer, owner: Membership
) -> None:
    with smtp_server.open(), running(tmp_path, smtp_server) as told:
        wait_for(WorkerStatus.select().exists)
        for _ in range(10_000):
            told.terminate()
        # The last signals may arrive after Python stopped handling them.
        assert told.wait(10) in (0, -signal.SIGTERM)


def test_a_killed_worker_loses_nothing_and_duplicates_at_most_one_message_per_connection() -> None:
    count = soak(people=120, kills=2, connections=3, seed=1)
    assert count.is_as_promised, count
    assert count.kills == 2


@pytest.mark.parametrize("break_it", [lock, make_read_only])
def test_a_database_that_cannot_be_written_for_a_while_is_logged_in_one_line(
    app: Flask,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    break_it: Callable[[Path], AbstractContextManager[None]],
) -> None:
    monkeypatch.setattr(worker, "_DATABASE_PAUSE", 0.0)
    current = Worker(None, app.extensions["invites"].mail_context)
    failures = []

    def write(_pool: object) -> None:
        db.connect()
        try:
            heartbeat.record(utcnow())
        except PeeweeException:
            failures.append(1)
            if len(failures) == 3:
                current.stop()
            raise

    monkeypatch.setattr(current, "_maintain", write)
    monkeypatch.setattr(current, "_send", lambda _pool: None)
    with break_it(database):
        current._work()
    assert len(failures) == 3
    [line] = [record for record in caplog.records if record.levelno > logging.INFO]
    assert line.exc_info is None
    assert str(database) in line.message


def test_an_outage_is_reported_until_the_mail_server_is_back(
    app: Flask,
    smtp_server: SmtpServer,
    owner: Membership,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_policy, "_OUTAGE_PAUSES", (0.01,))
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    invite(owner, now)
    seen = []

    def watch(running: Worker) -> None:
        wait_for(lambda: "refused" in heartbeat.outage())
        seen.append(states())
        with smtp_server.open():
            wait_for(lambda: states() == {DeliveryState.SENT: 1})
            wait_for(lambda: heartbeat.outage() == "")
        db.close()
        running.stop()

    with app.app_context():
        current = worker_of(app)
        watcher = Thread(target=watch, args=(current,), daemon=True)
        watcher.start()
        current.run()
        watcher.join()
    for number, handler in zip((signal.SIGTERM, signal.SIGINT), handlers, strict=True):
        signal.signal(number, handler)
    assert seen == [{DeliveryState.QUEUED: 1}]
    assert smtp_server.recipients == ["new@example.org"]
