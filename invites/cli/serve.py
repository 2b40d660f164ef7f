"""The flask command serve: runs the web server and the mail worker together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

import invites
from invites import db
from invites.cli import readiness
from invites.cli.ports import refuse_taken
from invites.cli.setup import greet
from invites.cli.shared import command, ready_database
from invites.core.bundled import bundled
from invites.core.settings import PROJECT_ROOT
from invites.sending.backoff import Backoff
from invites.web.services import services

_PR_SET_PDEATHSIG = 1

_WEB_SERVER = (
    *("gunicorn", "--config", str(bundled("gunicorn.conf.py"))),
    "invites.factory:create_app()",
)

# Seconds
_TICK = 0.2
_PAUSES = (1.0, 5.0, 15.0, 60.0)  # before a worker that ended is restarted
_RUNS_WELL = 60.0  # a worker that ran longer gets the first pause again
_ENDS_WITHIN = 30.0  # longer than gunicorn's graceful_timeout and the worker's _STOP_TIME


@command
@click.option("--reload", is_flag=True, help="Restart both when a file changes; for development.")
@click.option("--no-worker", is_flag=True, help="Run only the web server; for containers.")
def serve(reload: bool, no_worker: bool) -> None:
    """Run the web server and the mail worker in this terminal until stopped."""
    ready_database()
    db.close()
    settings = services().settings
    with readiness.only_web_server(settings):
        refuse_taken(settings.bind)
    db.connect()
    greet()  # gunicorn logs the warnings
    db.close()
    if no_worker:
        os.chdir(PROJECT_ROOT)
        os.execve(sys.executable, [sys.executable, "-m", *_WEB_SERVER], _environment())  # noqa: S606  # fixed arguments; signals reach it
    told_to_stop = _stop_requests()
    web, worker, files = _start_web_server(), _MailWorker(), _source_files()
    while not told_to_stop() and (reload or web.poll() is None):
        time.sleep(_TICK)
        worker.restart_if_ended()
        if reload and files != (files := _source_files()):
            _end(web, worker.process)
            web, worker = _start_web_server(), _MailWorker()
    status = web.poll()
    _end(web, worker.process)
    if not told_to_stop():
        assert status is not None
        raise click.ClickException(
            f"The web server stopped: {_describe_exit(status)}. Invites has stopped."
        )


def _start_web_server() -> subprocess.Popen[bytes]:
    return _start(*_WEB_SERVER)


class _MailWorker:
    """Restarts the worker when it ends. Pages work without it."""

    def __init__(self) -> None:
        self._backoff = Backoff()
        self._start()

    def _start(self) -> None:
        self._started_at = time.monotonic()
        self._is_reported = False
        self.process = _start("invites", "worker", niceness=5)  # people wait for pages

    def restart_if_ended(self) -> None:
        status = self.process.poll()
        if status is None or self._backoff.is_on():
            return
        if self._is_reported:
            self._start()
            return
        if time.monotonic() - self._started_at > _RUNS_WELL:
            self._backoff.end()
        pause = self._backoff.begin(_PAUSES)
        self._is_reported = True
        click.echo(
            f"The mail worker stopped: {_describe_exit(status)}. Pages still work, emails wait, "
            f"and the worker starts again in {pause:.0f} s.",
            err=True,
        )


def _source_files() -> set[tuple[Path, int]]:
    found = set()
    for folder in (Path(invites.__file__).parent, bundled("templates"), bundled("static")):
        for path in folder.rglob("*.*"):
            with suppress(FileNotFoundError):  # editors replace files
                found.add((path, path.stat().st_mtime_ns))
    return {one for one in found if one[0].suffix != ".pyc"}


def _describe_exit(code: int) -> str:
    if code == -signal.SIGKILL:
        return "killed by SIGKILL, perhaps because the system ran out of memory"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"see the error above (exit code {code})" if code else "it was asked to"


def _start(module: str, *arguments: str, niceness: int = 0) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own, so Ctrl-C reaches only this process."""
    return subprocess.Popen(  # noqa: S603  # fixed arguments, no shell
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT_ROOT,
        env=_environment(),
        start_new_session=True,
        preexec_fn=partial(_prepare_child, niceness, os.getpid()),
    )


def _environment() -> dict[str, str]:
    return os.environ | {"MALLOC_ARENA_MAX": "2"}  # otherwise each thread keeps its freed memory


def _prepare_child(niceness: int, parent: int) -> None:
    """Sets the nice value. On Linux, terminates the child when ``parent`` is killed."""
    os.nice(niceness)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed meanwhile
            sys.exit(1)


def _stop_requests() -> Callable[[], bool]:
    """Returns a function that tells whether a signal arrived or the terminal was closed.

    A threading.Event would deadlock: the interrupted main thread may hold its lock.
    """
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # such as SIGHUP under nohup
            signal.signal(number, lambda told, _frame: signals.append(told))
    in_terminal = sys.stdin.isatty()  # under make, no SIGHUP arrives
    return lambda: bool(signals) or (in_terminal and not sys.stdin.isatty())


def _end(*running: subprocess.Popen[bytes]) -> None:
    """Terminates all processes. Kills those that don't end in time."""
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
