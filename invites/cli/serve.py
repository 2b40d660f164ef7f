"""The flask commands serve and worker."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

import click
from flask.cli import ScriptInfo, pass_script_info, with_appcontext
from flask_mail import Mail

from invites import db
from invites.cli import readiness
from invites.cli.setup import greet
from invites.cli.shared import Command, ready_database
from invites.core.settings import PROJECT_ROOT
from invites.sending.worker import Worker
from invites.web.services import services

_ENDS_WITHIN = 30  # seconds; longer than gunicorn's graceful_timeout and the worker's _STOP_TIME


@click.command(cls=Command)
@click.option("--reload", is_flag=True, help="Restart both when a file changes; for development.")
@with_appcontext
def serve(reload: bool) -> None:
    """Run the web server and the mail worker in this terminal until stopped."""
    ready_database()
    _refuse_taken_port(services().settings.bind)
    greet()  # gunicorn logs the warnings
    db.close()
    told_to_stop = _stop_requests()
    if reload:
        while not told_to_stop():
            running = _start_both()
            _wait_for_change(told_to_stop)
            _end(running.values())
        return
    running = _start_both()
    while not told_to_stop() and all(process.poll() is None for process in running.values()):
        time.sleep(0.1)
    ended = [
        f"The {name} stopped: {_describe_exit(process.returncode)}."
        for name, process in running.items()
        if process.returncode is not None
    ]
    _end(running.values())
    if not told_to_stop():
        raise click.ClickException(f"{' '.join(ended)} Invites has stopped.")


def _start_both() -> dict[str, subprocess.Popen[bytes]]:
    return {
        "web server": _start("gunicorn", "--config", "gunicorn.conf.py", "app:app"),
        # Lower priority than pages, because people wait for those.
        "mail worker": _start("flask", "worker", before=("nice", "-n", "5")),
    }


def _wait_for_change(told_to_stop: Callable[[], bool]) -> None:
    """Also returns when this process is told to stop."""
    before = _source_files()
    while not told_to_stop() and _source_files() == before:
        time.sleep(0.5)


def _source_files() -> set[tuple[Path, int]]:
    found = set()
    for folder in ("invites", "templates", "static"):
        for path in (PROJECT_ROOT / folder).rglob("*.*"):
            with suppress(FileNotFoundError):  # editors replace files
                found.add((path, path.stat().st_mtime_ns))
    return {one for one in found if one[0].suffix != ".pyc"}


def _describe_exit(code: int) -> str:
    if code == -signal.SIGKILL:
        return "killed by SIGKILL, perhaps because the system ran out of memory"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"see the error above (exit code {code})" if code else "it was asked to"


def _refuse_taken_port(bind: str) -> None:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, int(port)), family=family).close()
    except OSError as error:
        raise click.ClickException(
            f"Invites can't listen on {bind}: {str(error.strerror).partition(' (')[0]}. "
            "Set INVITES_BIND to an address and a free port of this machine, "
            "such as 127.0.0.1:8001."
        ) from None


def _start(module: str, *arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Starts a program in its own session, so that only this process signals it."""
    return subprocess.Popen(  # noqa: S603  # fixed arguments, no shell
        [*before, sys.executable, "-m", module, *arguments],
        cwd=PROJECT_ROOT,
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},  # otherwise each thread keeps its freed memory
        start_new_session=True,
    )


def _stop_requests() -> Callable[[], bool]:
    """Returns whether this process received SIGTERM, SIGINT or SIGHUP, or lost its terminal.

    A threading.Event would deadlock: the interrupted main thread may hold its lock.
    """
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has set it, on purpose
            signal.signal(number, lambda told, _frame: signals.append(told))
    in_terminal = sys.stdin.isatty()  # make doesn't pass SIGHUP on
    return lambda: bool(signals) or (in_terminal and not sys.stdin.isatty())


def _end(running: Collection[subprocess.Popen[bytes]]) -> None:
    """Terminates all processes. Kills those that don't end in time."""
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@click.command(cls=Command)
@pass_script_info
@with_appcontext
def worker(info: ScriptInfo) -> None:
    """Send queued mail until stopped (SIGTERM or Ctrl-C)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = services().settings
    db.configure(settings.database_path, durable=False)
    ready_database()
    db.close()
    with readiness.hold(settings):
        app = info.load_app()
        Worker(Mail(app) if settings.mail_server else None, services().mail_context).run()
