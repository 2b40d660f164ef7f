"""The commands serve and worker, and gunicorn, as processes."""

import os
import signal
import socket
from pathlib import Path

import pytest

from invites.core.settings import PROJECT_ROOT
from tests.cli.running import (
    GUNICORN,
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
    said = output_of(process)
    assert process.returncode == 1
    assert len(said.splitlines()) == 1
    assert said.startswith("Error: INVITES_MAIL_FROM must be an address")
    assert not Path(env["INVITES_DATA"]).exists()


def test_help_creates_nothing(env: dict[str, str]) -> None:
    assert "restore" in run_process(env, "flask", "--help")
    assert not Path(env["INVITES_DATA"]).exists()


def test_gunicorn_does_not_start_without_a_database(env: dict[str, str]) -> None:
    process = start(env, *GUNICORN)
    said = output_of(process)
    assert process.returncode == 1
    assert "Run 'flask migrate'" in said
    assert "Traceback" not in said
    assert "Listening" not in said


def test_a_port_that_is_taken_is_reported_before_anything_starts(migrated: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(migrated["INVITES_BIND"].rpartition(":")[2]))):
        process = start(migrated, "flask", "serve")
        said = output_of(process)
    assert process.returncode == 1
    assert len(said.splitlines()) == 1
    assert "Address already in use" in said


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
        said = output_of(process)
    assert process.returncode == 0, said
    assert "Setup code" in said
    assert "mail worker stopped" in said
    assert "Traceback" not in said
    assert said.count("There is no setting INVITES_MAIL_SENDER") == 1


def test_many_signals_at_once_stop_it(migrated: dict[str, str]) -> None:
    process = start(migrated, "flask", "serve")
    try:
        wait_until_healthy(migrated)
        for _ in range(10_000):
            process.terminate()
        said = output_of(process)
    finally:
        process.kill()
    assert process.returncode == 0, said


@pytest.mark.parametrize(
    ("number", "why"), [(signal.SIGTERM, "it was asked to"), (signal.SIGKILL, "out of memory")]
)
def test_when_one_process_ends_the_other_is_stopped_and_the_reason_is_printed(
    migrated: dict[str, str], number: signal.Signals, why: str
) -> None:
    process = start(migrated, "flask", "serve")
    wait_until_healthy(migrated)
    os.kill(pid_of_web_server(process), number)
    said = output_of(process)
    assert process.returncode == 1
    assert "mail worker stopped" in said
    assert "The web server stopped: " in said
    assert why in said
    assert "The mail worker stopped" not in said


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
        said = output_of(process)
    assert process.returncode == 0, said
