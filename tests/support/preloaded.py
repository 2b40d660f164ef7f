"""Starts processes of Invites without the second that loading their modules takes.

A template process has loaded the modules, and forks for each process that is started. The new
process then runs like a command, with its own environment, arguments and log.
"""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from flask import Flask
from jinja2 import FileSystemBytecodeCache

from invites.core.settings import PROJECT_ROOT
from tests.support import stopping
from tests.support.stopping import Point


@dataclass
class Process:
    """A started process, with the methods of ``subprocess.Popen`` that tests use."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, negative for a signal, or None while the process runs."""
        if self.returncode is None:
            self.returncode = _template().ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The exit status, after at most ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def is_stopped(self) -> bool:
        """Whether a SIGSTOP has stopped it."""
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self.returncode is None:  # the system doesn't reuse the id before the status is read
            os.kill(self.pid, number)


def start(program: str, *arguments: str, env: Mapping[str, str], log: Path) -> Process:
    """Starts one of the programs in ``_load``. Appends what it prints to ``log``."""
    log.touch()
    argv = [program, *arguments]
    return Process(_template().ask(argv=argv, env=dict(env), log=str(log)))


@contextmanager
def worker(
    settings: Mapping[str, str], log: Path, stop_at: Point | None = None
) -> Iterator[Process]:
    """A mail worker with only these settings. Kills it at the end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INVITES_")}
    command = ("stopping worker", *stop_at.arguments) if stop_at else ("flask", "worker")
    process = start(*command, env=kept | {"FLASK_APP": "app.py"} | settings, log=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


class _Template:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "default", "-m", __name__],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C must not end it; the end of its input does
        )

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@cache
def _template() -> _Template:
    template = _Template()
    atexit.register(template.end)
    return template


def _main() -> None:
    """Runs in the template process: answers requests until its input ends."""
    programs = _load()
    templates = mkdtemp()
    Flask.jinja_options = Flask.jinja_options | {
        "bytecode_cache": FileSystemBytecodeCache(templates)  # compiled only once
    }
    pids = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "argv" in request:
            answer = _fork(programs[request["argv"][0]], **request)
            pids.add(answer)
        else:
            answer = _status(request["poll"])
            if answer is not None:
                pids.discard(request["poll"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(templates)


def _load() -> dict[str, Callable[[], object]]:
    import flask.cli
    import gunicorn.app.wsgiapp
    import gunicorn.arbiter
    import gunicorn.workers.gthread

    import invites.factory
    import invites.sending.worker  # noqa: F401  # loaded before forking

    return {
        "flask": flask.cli.main,
        "gunicorn": gunicorn.app.wsgiapp.run,
        "stopping worker": stopping.run_worker,
    }


def _fork(program: Callable[[], object], argv: list[str], env: dict[str, str], log: str) -> int:
    pid = os.fork()
    if not pid:
        _run(program, argv, env, log)
    return pid


def _run(program: Callable[[], object], argv: list[str], env: dict[str, str], log: str) -> None:
    """Runs in the new process: does what the interpreter does before and after a command."""
    status: Any = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = argv
        program()
        status = 0
    except SystemExit as end:  # also in gunicorn's forks
        status = end.code
        if isinstance(status, str):
            sys.stderr.write(f"{status}\n")
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else int(status is not None))


def _status(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    _main()
