"""The wheel: what it contains, and Invites installed from it in another folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

from invites import __version__
from invites.core.settings import PROJECT_ROOT
from tests.cli.running import WHO
from tests.support.people import PASSWORD
from tests.support.server import wait_until_well
from tests.support.smtp_server import free_port

pytestmark = pytest.mark.slow

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
OFFLINE = ["--no-index", "--no-deps"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(PROJECT_ROOT, tmp_path_factory.mktemp("wheel"))


def build(source: Path, folder: Path) -> Path:
    command = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", folder, source]
    subprocess.run(command, check=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    subprocess.run([*PIP, "--python", python, "install", *OFFLINE, wheel], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


def invites(
    programs: Path, folder: Path, *command: str, typed: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs / "invites", *command],
        cwd=folder,
        env=environment(**settings),
        input=typed,
        text=True,
        capture_output=True,
        timeout=60,
    )


def environment(**settings: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("INVITES_", "FLASK_", "PYTHONPATH"))
    }
    return kept | settings


@contextmanager
def running(programs: Path, folder: Path, command: str) -> Iterator[str]:
    """Yields the URL. Ends it as Ctrl-C does."""
    url = f"http://127.0.0.1:{free_port()}"
    env = environment(INVITES_BIND=url.removeprefix("http://"))
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [programs / "invites", command], cwd=folder, env=env, stdout=file, stderr=file
        )
    try:
        wait_until_well(url, [log])
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
    assert status == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def pinned(name: str) -> int:
    return (PROJECT_ROOT / name).read_text().count("==")


def text_of(url: str) -> str:
    with urlopen(url, timeout=30) as answer:
        assert answer.status == 200
        return answer.read().decode()


def test_the_wheel_has_every_file_that_the_checkout_serves(wheel: Path) -> None:
    kept = subprocess.run(
        ["git", "ls-files", "invites", "templates", "static", "gunicorn.conf.py"],
        cwd=PROJECT_ROOT,
        check=True,
        text=True,
        capture_output=True,
    ).stdout.splitlines()
    expected = {name if name.startswith("invites/") else f"invites/_data/{name}" for name in kept}
    names = set(ZipFile(wheel).namelist())
    assert expected - names == set()
    assert not {name for name in names - expected if ".dist-info/" not in name}


def test_the_wheel_has_the_version_and_the_requirements_of_the_checkout(wheel: Path) -> None:
    archive = ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == __version__
    required = metadata.get_all("Requires-Dist")
    extra = [line for line in required if "extra == 'postgresql'" in line]
    assert len(required) - len(extra) == pinned("requirements.txt")
    assert len(extra) == pinned("requirements-postgresql.txt")


def test_a_container_is_built_from_everything_that_the_wheel_needs(
    wheel: Path, tmp_path: Path
) -> None:
    """Copies what the Containerfile copies, and nothing that .dockerignore leaves out."""
    source = tmp_path / "source"
    text = (PROJECT_ROOT / "Containerfile").read_text()
    copied = [line.split()[1:-1] for line in re.findall("^COPY [^-].*$", text, re.MULTILINE)]
    kept = re.findall("^!(.+)$", (PROJECT_ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for name in {name for names in copied for name in names} & set(kept):
        path = PROJECT_ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(path, source)
    built = build(source, tmp_path / "built")
    assert set(ZipFile(built).namelist()) == set(ZipFile(wheel).namelist())


def test_installed_it_keeps_its_data_in_the_folder_where_it_is_started(
    programs: Path, tmp_path: Path
) -> None:
    assert invites(programs, tmp_path, "migrate").returncode == 0
    assert (tmp_path / "instance" / "invites.sqlite3").is_file()
    done = invites(programs, tmp_path, "setup", *WHO, "--password-stdin", typed=PASSWORD)
    assert "Riverside Relief is set up" in done.stdout
    with running(programs, tmp_path, "serve") as url:
        page = text_of(f"{url}/login")
        (stylesheet,) = (word for word in page.split('"') if word.endswith("invites.css"))
        assert "--" in text_of(f"{url}{stylesheet}")


def test_installed_it_reads_the_env_file_of_the_folder(programs: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("INVITES_DATA=kept\nINVITES_MAIL_SERVER=smtp.example.org\n")
    assert invites(programs, tmp_path, "migrate").returncode == 0
    assert (tmp_path / "kept" / "secret.key").is_file()
    assert "smtp.example.org" in invites(programs, tmp_path, "welcome").stdout


def test_run_prepares_a_new_installation_and_serves_it(programs: Path, tmp_path: Path) -> None:
    with running(programs, tmp_path, "run") as url:
        assert "Setup code" in (tmp_path / "log").read_text()
        assert "<form" in text_of(f"{url}/setup")


def test_it_has_the_commands_of_flask_and_refuses_in_one_line(
    programs: Path, tmp_path: Path
) -> None:
    usage = invites(programs, tmp_path, "--help").stdout
    for name in ("run", "migrate", "serve", "worker", "backup", "restore", "rescue-owner"):
        assert f"\n  {name} " in usage
    assert invites(programs, tmp_path, "version").stdout.startswith(f"Invites {__version__}\n")
    refused = invites(programs, tmp_path, "run", INVITES_MAIL_FROM="nobody")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
