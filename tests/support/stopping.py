"""A mail worker that stops itself at a chosen point, as if it got no CPU time.

The test can then kill it, fill its disk, lock its database, or copy the database's files.
"""

import os
import pkgutil
import signal
import sys
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any

import flask.cli

from invites import db

BEGIN, END = "begin", "end"


@dataclass(frozen=True)
class Point:
    """``owner``: the module, or the class as in ``module:class``.

    ``when``: BEGIN or END of the function, or the beginning of an SQL statement, to stop before it.
    ``skipped``: how often the worker passes the point before it stops.
    """

    owner: str
    function: str
    when: str
    skipped: int = 0

    def __str__(self) -> str:
        return f"{self.function}: {self.when}"

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(map(str, astuple(self)))


def run_worker() -> None:
    """The program. Its arguments are ``Point.arguments``."""
    owner, function, when, skipped = sys.argv[1:]
    stop_at(Point(owner, function, when, int(skipped)))
    sys.argv = ["flask", "worker"]
    flask.cli.main()


def stop_at(point: Point) -> None:
    owner = pkgutil.resolve_name(point.owner)
    original: Callable[..., Any] = getattr(owner, point.function)
    passed = 0

    def pass_or_stop() -> None:
        nonlocal passed
        passed += 1
        if passed == point.skipped + 1:
            os.kill(os.getpid(), signal.SIGSTOP)

    def trace(statement: str) -> None:
        if statement.startswith(point.when):
            pass_or_stop()

    def stopping(*arguments: Any) -> Any:
        connection = db.database.connection()
        connection.execute("PRAGMA busy_timeout = 50")  # not 5 seconds: tests lock the database
        if point.when == BEGIN:
            pass_or_stop()
        connection.set_trace_callback(trace)
        try:
            result = original(*arguments)
        finally:
            connection.set_trace_callback(None)
        if point.when == END:
            pass_or_stop()
        return result

    setattr(owner, point.function, stopping)
