"""The commands serve and worker, and gunicorn, as processes."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from invites.core.settings import PROJECT_ROOT
from tests.cli.running import (
    GUNICORN,
    error_of,
    output_of,
    pid_of_web_server,
    run_process,
    start,
    wait_until_healthy,
)
from tests.support.server import environment, new_data
from tests.support.smtp_server import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of an installation without data."""
    return environment(tmp_path / "data", port=free_port())


@pytest.fixture
def migrated(env: dict[str, str]) -> dict[str, str]:
    """The environment of an installation after ``flask migrate``."""
    new_data(Path(env["INVITES_DATA"]))
    return env


@pytest.mark.parametrize(
    "command",
    [
        ("flask", "--help"),
        ("flask", "migrate"),
        ("flask", "serve"),
        GUNICORN,
    ],
)
def test_a_setting_that_cannot_be_used_is_reported_in_one_line(
    env: dict[str, str], command: tuple[str, ...]
) -> None:
    process = start(env | {"INVITES_MAIL_FROM": "nobody"}, *command)
    (line,) = output_of(process).splitlines()
    assert process.returncode == 1
    assert line.startswith("Error: INVITES_MAIL_FROM must be an address")
    assert not Path(env["INVITES_DATA"]).exists()


def test_help_creates_nothing(env: dict[str, str]) -> None:
    assert "restore" in run_process(env, "flask", "--help")
    assert not Path(env["INVITES_DATA"]).exists()


def test_gunicorn_does_not_start_without_a_database(env: dict[str, str]) -> None:
    assert "Run 'flask migrate'" in error_of(env, *GUNICORN)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_web_server_and_worker_start_and_stop_together_and_a_warning_is_printed_once(
    migrated: dict[str, str], number: signal.Signals
) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # tests may run under nohup
    process = start(migrated | {"INVITES_MAIL_SENDER": "x"}, "flask", "serve")
    signal.signal(number, before)
    try:
        wait_until_healthy(migrated)
    finally:
        process.send_signal(number)
        output = output_of(process)
    assert process.returncode == 0, output
    assert "Setup code" in output
    assert "mail worker stopped" in output
    assert "Traceback" not in output
    assert output.count("There is no setting INVITES_MAIL_SENDER") == 1


def test_many_signals_at_once_stop_it(migrated: dict[str, str]) -> None:
    process = start(migrated, "flask", "serve")
    try:
        wait_until_healthy(migrated)
        for _ in range(10_000):
            process.terminate()
        output = output_of(process)
    finally:
        process.kill()
    assert process.returncode == 0, output


def test_the_process_that_has_the_port_is_named(migrated: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(migrated["INVITES_BIND"].rpartition(":")[2]))):
        for command in (("flask", "serve"), GUNICORN):
            error = error_of(migrated, *command)
            assert f"Address already in use by process {os.getpid()} (" in error


def test_a_second_web_server_on_the_same_data_is_refused_and_the_first_is_named(
    migrated: dict[str, str],
) -> None:
    first = start(migrated, "flask", "serve")
    other = migrated | {"INVITES_BIND": f"127.0.0.1:{free_port()}"}
    try:
        pid = pid_of_web_server(first)
        wait_until_healthy(migrated)
        for command in (("flask", "serve"), GUNICORN):
            error = error_of(other, *command)
            assert f"process {pid} at {migrated['INVITES_BIND']}" in error
            assert migrated["INVITES_DATA"] in error
    finally:
        first.terminate()
        output_of(first)
    locks = list(Path(migrated["INVITES_DATA"]).glob("*.lock"))
    assert {path.name for path in locks} == {"migrate.lock", "web.lock", "worker.lock"}
    assert {path.stat().st_mode & 0o777 for path in locks} == {0o600}


def test_a_second_mail_worker_says_whom_it_waits_for(migrated: dict[str, str]) -> None:
    first = start(migrated, "flask", "worker")
    try:
        read_until(first, "mail worker started")
        second = start(migrated, "flask", "worker")
        try:
            assert f"process {first.pid}" in read_until(second, "another mail worker")
        finally:
            second.terminate()
            output_of(second)
    finally:
        first.terminate()
        output_of(first)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Returns the line that contains these words."""
    assert process.stdout
    while words not in (line := process.stdout.readline()):
        assert process.poll() is None
    return line


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of the end")
def test_when_serve_is_killed_web_server_and_worker_end_by_themselves(
    migrated: dict[str, str],
) -> None:
    process = start(migrated, "flask", "serve")
    pid_of_web_server(process)
    wait_until_healthy(migrated)
    process.kill()
    assert "mail worker stopped" in output_of(process)  # returns when nobody has the pipe open
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://{migrated['INVITES_BIND']}/healthz", timeout=5)


def test_a_worker_that_dies_is_started_again_while_pages_are_served(
    migrated: dict[str, str],
) -> None:
    process = start(migrated, "flask", "serve")
    try:
        wait_until_healthy(migrated)
        lock = Path(migrated["INVITES_DATA"], "worker.lock")
        for pause in (1, 5):
            worker = int(re.search(r"\d+", lock.read_text())[0])
            os.kill(worker, signal.SIGKILL)
            output = read_until(process, "The mail worker stopped: killed by SIGKILL")
            assert f"starts again in {pause} s" in output
            assert "Pages still work" in output
            with urlopen(f"http://{migrated['INVITES_BIND']}/setup", timeout=5) as answer:
                assert answer.status == 200
            read_until(process, "mail worker started")
    finally:
        process.terminate()
        output_of(process)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("number", "why"), [(signal.SIGTERM, "it was asked to"), (signal.SIGKILL, "out of memory")]
)
def test_when_the_web_server_ends_the_worker_is_stopped_and_the_reason_is_printed(
    migrated: dict[str, str], number: signal.Signals, why: str
) -> None:
    process = start(migrated, "flask", "serve")
    wait_until_healthy(migrated)
    os.kill(pid_of_web_server(process), number)
    output = output_of(process)
    assert process.returncode == 1
    assert "mail worker stopped" in output
    assert "The web server stopped: " in output
    assert why in output
    assert "The mail worker stopped" not in output


def test_with_reload_both_are_restarted_when_a_file_changes(migrated: dict[str, str]) -> None:
    process = start(migrated, "flask", "serve", "--reload")
    try:
        first = pid_of_web_server(process)
        wait_until_healthy(migrated)
        (PROJECT_ROOT / "static" / "icon.svg").touch()
        assert pid_of_web_server(process) != first
        wait_until_healthy(migrated)
    finally:
        process.terminate()
        output = output_of(process)
    assert process.returncode == 0, output


def test_without_a_worker_it_is_only_the_web_server(migrated: dict[str, str]) -> None:
    process = start(migrated, "flask", "serve", "--no-worker")
    try:
        assert pid_of_web_server(process) == process.pid
        with urlopen(f"http://{migrated['INVITES_BIND']}/login", timeout=30) as answer:
            assert answer.status == 200
    finally:
        process.terminate()
    output_of(process)
    assert process.returncode == 0
