"""Running the flask commands, in this process and in processes of their own."""

import re
import subprocess
import sys
from pathlib import Path

from click.testing import Result
from flask import Flask

from invites import db
from invites.core.settings import PROJECT_ROOT
from tests.support.people import PASSWORD
from tests.support.server import wait_until_well

WHO = ("--account", "Riverside Relief", "--name", "Olive Martin", "--email", "Olive@Example.org")
GUNICORN = ("gunicorn", "--config", "gunicorn.conf.py", "app:app")
COMMANDS = [
    ["worker"],
    ["welcome"],
    ["serve"],
    ["setup", *WHO, "--password-stdin"],
    ["backup", "/nowhere/at/all"],
    ["rescue-owner", "--account", "riverside-relief", "--email", "olive@example.org"],
    ["disable-two-step", "--email", "olive@example.org"],
]


def run(app: Flask, *command: str, typed: str = "") -> Result:
    db.close()
    return app.test_cli_runner().invoke(args=command, input=typed)


def setup(app: Flask, *changes: str, typed: str = f"{PASSWORD}\n") -> Result:
    return run(app, "setup", *WHO, *changes, "--password-stdin", typed=typed)


def assert_refused(done: Result, *words: str) -> None:
    """It exited with 1 and one line, which contains these words."""
    assert done.exit_code == 1, done.output
    assert len(done.output.strip().splitlines()) == 1
    for word in words:
        assert word in done.output


def start(env: dict[str, str], *command: str) -> subprocess.Popen[str]:
    program = Path(sys.executable).with_name(command[0])
    return subprocess.Popen(
        [program, *command[1:]],
        cwd=PROJECT_ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    """Its output, once neither it nor a child of it has the pipe open."""
    output, _ = process.communicate(timeout=30)
    return output


def run_process(env: dict[str, str], *command: str) -> str:
    process = start(env, *command)
    output = output_of(process)
    assert process.returncode == 0, output
    return output


def error_of(env: dict[str, str], *command: str) -> str:
    """The last line of the output of a command that starts nothing."""
    process = start(env, *command)
    output = output_of(process)
    assert process.returncode == 1, output
    assert not re.search("Traceback|Listening|Setup code", output)
    error = output.splitlines()[-1]
    assert error.startswith("Error: ")
    return error


def pid_of_web_server(process: subprocess.Popen[str]) -> int:
    """Reads its output up to the line in which gunicorn says that it listens."""
    assert process.stdout
    while not (found := re.search(r"Listening at: .*\((\d+)\)", process.stdout.readline())):
        assert process.poll() is None
    return int(found[1])


def wait_until_healthy(env: dict[str, str]) -> None:
    """Wait until /healthz says that web server and worker run."""
    wait_until_well(f"http://{env['INVITES_BIND']}")
