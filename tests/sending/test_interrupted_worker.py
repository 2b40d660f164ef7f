"""A worker that is killed, or loses its disk, database or power, at each point of its work."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from invites import db
from invites.core.clock import utcnow
from invites.core.settings import Settings, load_settings
from invites.models import Delivery, DeliveryOutcome, DeliveryState, MailThrottle, Membership
from invites.outbox import claims
from tests.support import preloaded
from tests.support.actions import send
from tests.support.disks import fill
from tests.support.preloaded import Process
from tests.support.scripted_smtp_server import ScriptedServer, Step, usual
from tests.support.sending_actions import QUEUED, SENT, people, states, wait_for
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


def finish(server: ScriptedServer) -> None:
    """Waits until everything is sent, and recorded as if nothing had happened."""
    server.answer = usual
    server.gate.set()
    wait_for(lambda: states() == {SENT: MAILS})
    assert {mail.attempts for mail in Delivery.select()} == {1}
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
        wait_for(process.is_stopped)
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
        wait_for(process.is_stopped)
        open_connections = kill(process, server)
    with start(stop_at=point) as process:
        wait_for(process.is_stopped)
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
            wait_for(process.is_stopped)
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
            wait_for(process.is_stopped)
            open_connections = kill(process, server)
        before = states()
        with start(stop_at=Point(CLAIMS, "recover", BEGIN)) as process:
            wait_for(process.is_stopped)
            with fault(settings):
                process.go_on()
                wait_for(lambda: FAULTS[fault] in (tmp_path / "log").read_text())
                assert states() == before
                assert before[DeliveryState.SENDING] > 0
            finish(server)
        assert duplicates(server) <= open_connections


HEADER, FRAME = 32, 24 + 4096  # bytes, in SQLite's log (sqlite.org/fileformat2.html, 4)


class PowerCut(NamedTuple):
    """``arrived``: how many messages had. ``log``: SQLite's log of everything the worker wrote."""

    arrived: int
    log: bytes


class TestPowerCut:
    """The worker doesn't wait for the disk, so the end of SQLite's log may be missing."""

    @pytest.fixture
    def power_cut(
        self, server: ScriptedServer, settings: Settings, start: StartWorker, tmp_path: Path
    ) -> PowerCut:
        db.close()  # which empties the log
        before = settings.database_path.read_bytes()
        assert states()  # stays open, so that no other process empties the log
        with start(stop_at=Point(OUTCOMES, "append", END, skipped=5)) as process:
            wait_for(process.is_stopped)
            shutil.copytree(settings.data, tmp_path / "copy")
            kill(process, server)
        # SQLite syncs its log before it copies pages to the file, so all of the log may be missing.
        assert (tmp_path / "copy" / "invites.sqlite3").read_bytes() == before
        wait_for(lambda: not server.open_now)  # for what was on its way
        log = (tmp_path / "copy" / "invites.sqlite3-wal").read_bytes()
        return PowerCut(len(server.received), log)

    def restart(self, tmp_path: Path, log: bytes) -> None:
        """Opens a copy of the database with this log, as after a restart."""
        db.close()
        shutil.rmtree(tmp_path / "data")
        shutil.copytree(tmp_path / "copy", tmp_path / "data")
        (tmp_path / "data" / "invites.sqlite3-wal").write_bytes(log)
        (tmp_path / "data" / "invites.sqlite3-shm").unlink()  # it was in memory
        db.connect()

    def recover(self, tmp_path: Path, log: bytes) -> int:
        """Returns how many mails are known to be sent. All others are queued."""
        self.restart(tmp_path, log)
        assert db.select("PRAGMA integrity_check", ()) == [("ok",)]
        claims.recover(utcnow())
        sent = states().get(SENT, 0)
        assert states().get(QUEUED, 0) == MAILS - sent
        return sent

    def test_a_database_that_lost_the_end_of_its_log_is_sound_and_queues_what_it_lost(
        self, power_cut: PowerCut, tmp_path: Path
    ) -> None:
        log = power_cut.log
        ends = range(HEADER, len(log) + 1, FRAME)
        known = [self.recover(tmp_path, log[:end]) for end in ends]
        assert known == sorted(known)
        assert known[0] == 0
        assert power_cut.arrived - CONNECTIONS <= known[-1] <= power_cut.arrived
        for end, sent in zip(ends[:-1], known, strict=False):
            damaged = log[: end + 500] + b"lost" + log[end + 504 :]
            assert self.recover(tmp_path, damaged) == sent
            assert self.recover(tmp_path, log[: end + FRAME // 2]) == sent

    @pytest.mark.parametrize("part", [0.0, 0.6, 1.0])
    def test_exactly_the_messages_whose_outcome_was_lost_are_sent_again(
        self,
        server: ScriptedServer,
        start: StartWorker,
        power_cut: PowerCut,
        tmp_path: Path,
        part: float,
    ) -> None:
        log = power_cut.log[: int(len(power_cut.log) * part)]
        known = self.recover(tmp_path, log)
        self.restart(tmp_path, log)
        with start():
            finish(server)
        assert duplicates(server) == power_cut.arrived - known
