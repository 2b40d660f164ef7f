"""The processes load only what they use, because modules take memory for as long as they run."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from invites.core.clock import utcnow
from invites.core.settings import PROJECT_ROOT
from tests.cli.running import GUNICORN, run_process
from tests.support.actions import invite
from tests.support.server import Server, environment, set_up_data
from tests.support.smtp_server import SmtpServer, free_port

pytestmark = pytest.mark.slow

ON_FEW_PAGES = {
    *("chardet", "cryptography", "dns", "pyotp", "python_calamine", "segno", "webauthn", "zxcvbn"),
}
ON_PAGES = ON_FEW_PAGES | {
    *("flask_login", "flask_wtf", "htmx_flask", "httpagentparser", "lucide", "wtforms"),
    *("invites.pages", "invites.blueprints", "invites.lists.files"),
}
IN_OTHER_COMMANDS = {"invites.bounces", "invites.cli.backups", "invites.cli.ports"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An installation with an invitation that hasn't been sent."""
    smtp, url = SmtpServer(), f"http://127.0.0.1:{free_port()}"
    with smtp.open():
        server = Server(set_up_data(tmp_path / "data"), url, smtp)
        with server.rules():
            invite(server.owner, utcnow(), "new@example.org")
        yield server


@contextmanager
def running(server: Server, *command: str) -> Iterator[Path]:
    """Yields a file with the names of all modules that the command loads, when it loads them."""
    assert server.smtp
    port = int(server.url.rpartition(":")[2])
    env = environment(server.data, port=port, mail_port=server.smtp.port)
    log = server.data / "imports.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", *command],
            cwd=PROJECT_ROOT,
            env=env,
            stderr=file,
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


def loaded(log: str) -> set[str]:
    """Without modules that ``import_module`` loads, but with what those import."""
    return set(re.findall(r"^import time: .*\| +(\S+)$", log, re.MULTILINE))


def open_page(url: str) -> None:
    """Waits until the web server runs."""
    for _ in range(300):
        with suppress(URLError), urlopen(url, timeout=30) as answer:
            assert answer.status == 200
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing at {url}")


def test_a_mail_worker_has_loaded_nothing_of_pages_and_other_commands(server: Server) -> None:
    with running(server, "flask", "worker") as log:
        server.smtp.wait_for_mail("new@example.org")
        modules = loaded(log.read_text())
    assert "invites.sending.worker" in modules
    assert modules & (ON_PAGES | IN_OTHER_COMMANDS) == set()


def test_the_web_process_has_loaded_nothing_that_only_few_pages_need(server: Server) -> None:
    with running(server, *GUNICORN) as log:
        open_page(f"{server.url}/login")
        modules = loaded(log.read_text())
    assert "invites.pages" in modules
    assert modules & ON_FEW_PAGES == set()


def test_the_parent_process_of_the_web_process_has_loaded_no_pages(server: Server) -> None:
    with running(server, *GUNICORN) as log:
        open_page(f"{server.url}/login")
        before_fork = log.read_text().partition("Booting worker")[0]
    modules = loaded(before_fork)
    assert "invites.cli.readiness" in modules
    assert modules & (ON_PAGES | {"flask", "jinja2", "werkzeug"}) == set()


def test_commands_that_flask_brings_along_know_the_pages(server: Server) -> None:
    assert "compose.review" in run_process(environment(server.data), "flask", "routes")
