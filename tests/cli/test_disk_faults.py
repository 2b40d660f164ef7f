"""Real processes on a disk that is full, a file that is read-only, a page that is damaged."""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import pytest

from invites import db
from invites.core.settings import PROJECT_ROOT
from invites.models import User
from tests.cli.running import GUNICORN, output_of, start
from tests.support.disks import fill
from tests.support.faults import damage
from tests.support.http_client import HttpClient
from tests.support.server import (
    OWNER,
    Server,
    environment,
    new_data,
    running,
    set_up_data,
)
from tests.support.smtp_server import free_port

pytestmark = pytest.mark.slow

ACCOUNT = "/accounts/riverside-relief"


def health(client: HttpClient, database: str) -> int:
    """Waits until /healthz reports this, for as long as it remembers. Returns the status."""
    deadline = time.monotonic() + 20
    while True:
        with suppress(URLError):  # starting
            status = client.get("/healthz")
            if json.loads(client.text)["database"] == database:
                return status
        assert time.monotonic() < deadline, client.text
        time.sleep(0.5)


def test_a_full_disk_is_reported_and_once_it_has_space_everything_works_again(disk: Path) -> None:
    with running(set_up_data(disk / "data")) as server:
        olive = HttpClient(server, OWNER)
        olive.get("/profile")
        with server.rules():  # leave no space in the database's own files
            db.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        fill(disk / "filler")
        assert health(olive, "full") == 503
        assert olive.get("/accounts") == 200  # it stores nothing
        assert olive.post("/profile/details", name="Olive Other") == 503
        assert "The disk is full" in olive.text
        assert str(disk) in olive.text
        refused = start(environment(disk / "data"), "flask", "backup", str(disk / "backups"))
        assert output_of(refused).startswith("Error: ")

        (disk / "filler").unlink()
        assert health(olive, "ok") == 200
        olive.get("/profile")
        assert olive.post("/profile/details", name="Olive Other") == 200
        with server.rules():
            assert User.get().name == "Olive Other"


@pytest.mark.parametrize("service", [GUNICORN, ("flask", "worker"), ("flask", "serve")])
def test_a_service_that_cannot_start_on_a_full_disk_says_so_in_one_line(
    disk: Path, service: tuple[str, ...]
) -> None:
    data = set_up_data(disk / "data")
    fill(disk / "filler")
    process = start(environment(data, port=free_port()), *service)
    output = output_of(process)
    assert process.returncode == 1
    assert "Traceback" not in output
    assert re.search(r"^Error: The disk is full\. Free some space", output, re.MULTILINE)


def test_the_doctor_finds_a_full_disk(disk: Path) -> None:
    data = set_up_data(disk / "data")
    fill(disk / "filler")
    process = start(environment(data), "flask", "doctor")
    output = output_of(process)
    assert process.returncode == 1
    assert "Traceback" not in output
    assert re.search(r"^problem +Disk space: The disk is full\. Free some", output, re.MULTILINE)


# Root may write everything, unless it gives this up.
_AS_A_USER = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []


def test_a_read_only_file_is_reported(tmp_path: Path) -> None:
    env = environment(set_up_data(tmp_path / "data"), port=free_port())
    somebody = HttpClient(Server(tmp_path / "data", env["INVITES_BASE_URL"], None))
    gunicorn = [*_AS_A_USER, sys.executable, "-m", *GUNICORN]
    with subprocess.Popen(gunicorn, cwd=PROJECT_ROOT, env=env, stderr=subprocess.PIPE) as process:
        try:
            health(somebody, "ok")
            (tmp_path / "data" / "invites.sqlite3").chmod(0o400)
            assert health(somebody, "read-only") == 503
            for file in (tmp_path / "data").glob("invites.sqlite3*"):
                file.chmod(0o600)
            health(somebody, "ok")
        finally:
            process.terminate()


@pytest.mark.parametrize("service", [GUNICORN, ("flask", "worker")])
def test_a_service_does_not_start_with_a_damaged_page_that_it_would_not_read(
    tmp_path: Path, service: tuple[str, ...]
) -> None:
    data = new_data(tmp_path / "data")
    db.configure(data / "invites.sqlite3")
    db.connect()
    damage(data / "invites.sqlite3", "recovery_codes")
    process = start(environment(data, port=free_port()), *service)
    output = output_of(process)
    assert process.returncode == 1
    assert "Traceback" not in output
    assert re.search(r"^Error: .* is damaged: .* Restore a backup", output, re.MULTILINE)
