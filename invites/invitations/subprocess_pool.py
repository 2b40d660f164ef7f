"""Runs heavy work in subprocesses, to keep pages responsive and to free its memory.

Each process does one task. Then a spare one is started and kept for a minute, so the next task
starts within milliseconds.
"""

import atexit
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from invites import db
from invites.core.errors import RuleError
from invites.core.settings import PROJECT_ROOT

P = ParamSpec("P")
T = TypeVar("T")

_MAX_SECONDS = 30  # for one task
_SPARE_SECONDS = 60  # until a spare process is ended
_slots = threading.BoundedSemaphore(2)  # processes that work at the same time

_PROGRAM = """
import os, sys
os.nice(5)  # pages go first
from invites.invitations import staging, subprocess_pool
subprocess_pool.serve(int(sys.argv[1]))
"""


class _Thread(threading.local):
    seconds_spent = 0.0


_thread = _Thread()


class PoolError(Exception):
    """The process ended before its work was done, or was killed because it took too long."""


def run(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls ``work`` in a subprocess that uses the same database.

    ``work`` must be a module-level function whose arguments and result can be pickled. Raises
    RuleError as ``work`` does, FaultError if the database can't be used, and PoolError if ``work``
    fails in any other way.
    """
    seconds: float = _MAX_SECONDS  # if the process doesn't report its own
    with _slots:
        process = _spare.take() or _Process()
        try:
            answer, seconds = process.call(((db.place(), db.folder()), work, args, kwargs))
        finally:
            _thread.seconds_spent += seconds
        _spare.start()
    result, refusal, fault = answer
    if fault is not None:
        raise db.FaultError(fault)
    if refusal is not None:
        reason, details = refusal
        raise RuleError(reason, **details)
    returned: T = result
    return returned


def take_seconds_spent() -> float:
    """CPU time that ``run`` took for this thread since the last call."""
    seconds, _thread.seconds_spent = _thread.seconds_spent, 0.0
    return seconds


def serve(descriptor: int) -> None:
    with Connection(descriptor) as connection:
        try:
            database, work, args, kwargs = connection.recv()
        except EOFError:
            return
        gc.disable()  # the process ends after this
        answer = _call(database, work, args, kwargs)
        connection.send((answer, _processor_time()))


def _processor_time() -> float:
    """CPU seconds of this process since its start, and of its children."""
    return sum(os.times()[:4])


def _call(
    database: tuple[Path | str, Path], work: Callable[..., Any], args: Any, kwargs: Any
) -> tuple[Any, Any, Any]:
    """Returns the result, the refusal and the fault. Those that don't apply are None."""
    place, folder = database
    db.configure(place, folder=folder)
    try:
        db.connect()
        return work(*args, **kwargs), None, None
    except RuleError as error:
        return None, (error.reason, error.details), None
    except db.ERRORS as error:
        if db.fault_of(error) is None:
            raise
        return None, None, db.fault_of(error)
    finally:
        db.close()


class _Process:
    """A Python process with the modules loaded; ends when its connection is closed."""

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # contains nothing from users
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
                cwd=PROJECT_ROOT,
                env=os.environ.copy(),  # another thread may change it meanwhile
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C ends only the parent
            )

    def call(self, work: object) -> Any:
        """Runs ``work`` and ends the process. Raises PoolError."""
        try:
            self._connection.send(work)
            if self._connection.poll(_MAX_SECONDS):
                return self._connection.recv()
            raise PoolError
        except (OSError, EOFError):
            raise PoolError from None
        finally:
            self.end()

    def end(self) -> None:
        self._connection.close()
        self._process.kill()  # its work is committed by now, or no longer wanted
        self._process.wait()


class _Spare:
    """At most one process that waits for work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def take(self) -> _Process | None:
        return self._replace(None)

    def start(self) -> None:
        threading.Thread(target=self._start_and_expire, daemon=True).start()

    def end(self) -> None:
        process = self.take()
        if process is not None:
            process.end()

    def _start_and_expire(self) -> None:
        process = _Process()
        former = self._replace(process)
        if former is not None:
            former.end()
        time.sleep(_SPARE_SECONDS)
        with self._lock:
            if self._process is not process:
                return
            self._process = None
        process.end()

    def _replace(self, process: _Process | None) -> _Process | None:
        with self._lock:
            former, self._process = self._process, process
        return former


_spare = _Spare()
atexit.register(_spare.end)
