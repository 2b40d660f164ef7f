"""A worker that is killed, or loses its disk or database, at each point of its work."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from invites.core.settings import Settings, load_settings
from invites.models import Delivery, DeliveryOutcome, DeliveryState, MailThrottle, Membership
from tests.support import preloaded
from tests.support.actions import send
from tests.support.disks import fill
from tests.support.preloaded import Process
from tests.support.scripted_smtp_server import ScriptedServer, Step, well
from tests.support.sending_actions import SENT, people, states, wait_for
from tests.support.stopping import BEGIN, END, Point

pytestmark = pytest.mark.slow

CLAIMS, OUTCOMES = "invites.outbox.claims", "invites.outbox.outcomes"
DISPATCHER = "invites.sending.dispatcher:Dispatcher"
MAILS = 40
CONNECTIONS = 3

StartWorker = Callable[..., AbstractContextManager[Process]]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """It is slow once, so that the worker gives back what it claimed."""
    server = ScriptedServer(delay=0.01)

    def answer(step: Step) -> bytes | None:
        if step.stage == "body" and len(server.received) == MAILS // 2:
            server.gate.clear()
        return None

    server.answer = answer
    with server.listening():
        yield server


@pytest.fixture
def start(server: ScriptedServer, settings: Settings, tmp_path: Path, owner: Membership):
    """Starts a worker that has MAILS to send."""
    MailThrottle.create(id=1, per_minute=None, connections=CONNECTIONS)
    send(owner, owner.joined_at, *people(MAILS))
    environ = {
        "INVITES_DATA": str(settings.data),
        "INVITES_MAIL_SERVER": "127.0.0.1",
        "INVITES_MAIL_PORT": str(server.port),
    }
    return partial(preloaded.worker, environ, tmp_path / "log")


def wait_until_it_stops(process: Process) -> None:
    wait_for(process.is_stopped)


def finish(server: ScriptedServer) -> None:
    """Waits until everything is sent, and recorded as if nothing had happened."""
    server.answer = well
    server.gate.set()
    wait_for(lambda: states() == {SENT: MAILS})
    assert {mail.attempts for mail in Delivery.select()} == {1}
    assert {mail.unknown_outcomes for mail in Delivery.select()} == {0}
    assert not DeliveryOutcome.select().exists()
    assert set(server.recipients) == set(people(MAILS))
    assert len(set(server.received)) == MAILS  # duplicates have the same Message-ID


def kill(process: Process, server: ScriptedServer) -> int:
    """Returns how many connections were open."""
    open_connections = server.open_now
    process.kill()
    process.wait(10)
    return open_connections


def duplicates(server: ScriptedServer) -> int:
    return len(server.received) - len(set(server.received))


POINTS = [
    Point(CLAIMS, "claim", "COMMIT", skipped=2),
    Point(CLAIMS, "claim", END, skipped=2),
    Point(OUTCOMES, "append", BEGIN, skipped=5),
    Point(OUTCOMES, "append", END, skipped=5),
    Point(OUTCOMES, "fold", 'UPDATE "delivery"', skipped=2),
    Point(DISPATCHER, "_fold", "COMMIT"),
    Point(DISPATCHER, "_fold", END),
    Point(CLAIMS, "give_back", "COMMIT"),
    Point(CLAIMS, "give_back", END),
]
RECOVERY = [
    Point(OUTCOMES, "fold", 'UPDATE "delivery"'),
    Point(CLAIMS, "recover", "UPDATE delivery"),
    Point(CLAIMS, "recover", "COMMIT"),
    Point(CLAIMS, "recover", END),
]


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_a_kill_loses_nothing_and_duplicates_at_most_one_message_per_connection(
    server: ScriptedServer, start: StartWorker, point: Point
) -> None:
    with start(stop_at=point) as process:
        wait_until_it_stops(process)
        open_connections = kill(process, server)
    with start():
        finish(server)
    assert 0 < open_connections <= CONNECTIONS
    assert duplicates(server) <= open_connections


@pytest.mark.parametrize("point", RECOVERY, ids=str)
def test_a_kill_during_recovery_duplicates_nothing_more(
    server: ScriptedServer, start: StartWorker, point: Point
) -> None:
    with start(stop_at=Point(OUTCOMES, "append", END, skipped=5)) as process:
        wait_until_it_stops(process)
        open_connections = kill(process, server)
    with start(stop_at=point) as process:
        wait_until_it_stops(process)
        assert kill(process, server) == 0
    with start():
        finish(server)
    assert duplicates(server) <= open_connections


FAULT_POINTS = [
    Point(CLAIMS, "claim", BEGIN, skipped=2),
    Point(OUTCOMES, "append", BEGIN, skipped=5),
    Point(DISPATCHER, "_fold", BEGIN),
    Point(CLAIMS, "give_back", BEGIN),
]


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    with closing(sqlite3.connect(settings.database_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full(settings: Settings) -> Iterator[None]:
    filler = settings.data / "filler"
    fill(filler)
    yield
    filler.unlink()


FAULTS = {locked: "is locked by another process", full: "The disk is full"}


class TestFaults:
    @pytest.fixture
    def settings(self, disk: Path) -> Settings:
        """Settings with a small disk."""
        return load_settings({"INVITES_DATA": str(disk / "data")})

    @pytest.mark.parametrize("point", FAULT_POINTS, ids=str)
    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_database_that_cannot_be_written_loses_and_duplicates_nothing(
        self,
        server: ScriptedServer,
        settings: Settings,
        start: StartWorker,
        tmp_path: Path,
        point: Point,
        fault: Callable[[Settings], AbstractContextManager[None]],
    ) -> None:
        with start(stop_at=point) as process:
            wait_until_it_stops(process)
            with fault(settings):
                process.go_on()
                wait_for(lambda: FAULTS[fault] in (tmp_path / "log").read_text())
            finish(server)
        assert duplicates(server) == 0
        assert "Traceback" not in (tmp_path / "log").read_text()

    @pytest.mark.parametrize("fault", FAULTS)
    def test_recovery_is_tried_again(
        self,
        server: ScriptedServer,
        settings: Settings,
        start: StartWorker,
        tmp_path: Path,
        fault: Callable[[Settings], AbstractContextManager[None]],
    ) -> None:
        with start(stop_at=Point(OUTCOMES, "append", END, skipped=5)) as process:
            wait_until_it_stops(process)
            open_connections = kill(process, server)
        before = states()
        with start(stop_at=Point(CLAIMS, "recover", BEGIN)) as process:
            wait_until_it_stops(process)
            with fault(settings):
                process.go_on()
                wait_for(lambda: FAULTS[fault] in (tmp_path / "log").read_text())
                assert states() == before
                assert before[DeliveryState.SENDING] > 0
            finish(server)
        assert duplicates(server) <= open_connections
