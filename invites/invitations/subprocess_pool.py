"""Runs what is heavy in a process of its own: pages stay quick, and its memory goes back.

Each process does one piece of work. The next one is loaded after it and waits
for a minute, so that what comes then begins within milliseconds.
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

_PATIENCE = 60  # seconds that a process waits for work
_LONGEST = 60  # seconds for a piece of work, which takes a few; then others have their turn
_SERVE = """
import os, sys
os.nice(5)  # pages go first
from invites.invitations import staging, subprocess_pool
subprocess_pool.serve(int(sys.argv[1]))
"""


class PoolError(Exception):
    """The process ended before its work did, or was ended because that took too long."""


def run(work: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    """What ``work`` answers in another process, which uses the same database.

    ``work`` is a function of a module; arguments and answer can be pickled.
    Raises RuleError as ``work`` does, and PoolError when something else ends it.
    """
    with _at_once:
        process = _spare.take() or _Process()
        answer, refused = process.ask((db.path(), work, arguments, more))
        _spare.load()
    if refused is not None:
        reason, details = refused
        raise RuleError(reason, **details)
    found: T = answer
    return found


def serve(descriptor: int) -> None:
    """In the other process: do the piece of work that comes, if one does."""
    with Connection(descriptor) as line:
        try:
            path, work, arguments, more = line.recv()
        except EOFError:
            return
        gc.disable()  # it ends after this
        line.send(_outcome(path, work, arguments, more))


def _outcome(path: Path, work: Callable[..., Any], arguments: Any, more: Any) -> tuple[Any, Any]:
    db.configure(path)
    db.connect()
    try:
        return work(*arguments, **more), None
    except RuleError as refused:
        return None, (refused.reason, refused.details)
    finally:
        db.close()


class _Process:
    """Another Python with Invites loaded, which ends when the line to it does."""

    def __init__(self) -> None:
        self._line, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # nothing of it comes from people
                [sys.executable, "-c", _SERVE, str(theirs.fileno())],
                cwd=PROJECT_ROOT,
                env=os.environ.copy(),  # another thread may change it while this one starts
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for whoever asked
            )

    def ask(self, work: object) -> Any:
        """Its answer, once. Raises PoolError."""
        try:
            self._line.send(work)
            if self._line.poll(_LONGEST):
                return self._line.recv()
            raise PoolError
        except (OSError, EOFError):
            raise PoolError from None
        finally:
            self.end()

    def end(self) -> None:
        self._line.close()
        self._process.kill()  # whatever it did is written by now, or isn't wanted any more
        self._process.wait()


class _Spare:
    """At most one process that waits for the next piece of work, but not for long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def take(self) -> _Process | None:
        with self._lock:
            process, self._process = self._process, None
        return process

    def load(self) -> None:
        """Without waiting until it is."""
        threading.Thread(target=self._keep_for_a_while, daemon=True).start()

    def end(self) -> None:
        process = self.take()
        if process is not None:
            process.end()

    def _keep_for_a_while(self) -> None:
        process = _Process()
        with self._lock:
            former, self._process = self._process, process
        if former is not None:
            former.end()
        time.sleep(_PATIENCE)
        with self._lock:
            if self._process is not process:
                return
            self._process = None
        process.end()


_spare = _Spare()
_at_once = threading.BoundedSemaphore(2)  # the others wait: a box has two cores
atexit.register(_spare.end)
