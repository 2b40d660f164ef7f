"""The commands: flask migrate, setup, welcome, worker."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from click.testing import Result
from flask import Flask

from invites import db
from invites.core.roles import Role
from invites.core.settings import PROJECT_ROOT, Settings, load_settings
from invites.factory import create_app
from invites.models import Account, Authenticator, Membership, User
from invites.people import profiles, recovery_codes, totp
from tests.conftest import NOW
from tests.support.people import PASSWORD
from tests.support.populated_account import everything
from tests.support.server import environment, flask
from tests.support.smtp_server import free_port

pytestmark = pytest.mark.slow

WHO = ("--account", "Riverside Relief", "--name", "Olive Martin", "--email", "Olive@Example.org")


def run(app: Flask, *command: str, typed: str = "") -> Result:
    db.close()
    return app.test_cli_runner().invoke(args=command, input=typed)


def setup(app: Flask, *changes: str, typed: str = f"{PASSWORD}\n") -> Result:
    return run(app, "setup", *WHO, *changes, "--password-stdin", typed=typed)


@pytest.fixture
def empty(settings: Settings) -> Flask:
    """An application whose database has no tables yet."""
    return create_app(settings)


def test_migrate_makes_the_database_and_says_what_it_did(empty: Flask) -> None:
    done = run(empty, "migrate")
    assert done.exit_code == 0
    assert "Applied" in done.output
    assert User.select().count() == 0


def test_migrate_twice_changes_nothing_the_second_time(empty: Flask, settings: Settings) -> None:
    run(empty, "migrate")
    before = everything(settings.database_path)
    again = run(empty, "migrate")
    assert again.exit_code == 0
    assert "up to date" in again.output
    assert everything(settings.database_path) == before


COMMANDS = [
    ["worker"],
    ["welcome"],
    ["serve"],
    ["setup", *WHO, "--password-stdin"],
    ["backup", "/nowhere/at/all"],
    ["rescue-owner", "--account", "riverside-relief", "--email", "olive@example.org"],
    ["disable-two-step", "--email", "olive@example.org"],
]


def assert_refused(done: Result, *words: str) -> None:
    """It ended with 1 and said so in one line, which has these words."""
    assert done.exit_code == 1, done.output
    assert len(done.output.strip().splitlines()) == 1
    for word in words:
        assert word in done.output


def test_version_prints_the_version_without_a_database(empty: Flask, settings: Settings) -> None:
    done = run(empty, "version")
    assert done.output.startswith("Invites 0.1.0\nPython 3.")
    assert not settings.data.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_database_one_clear_line_says_how_to_make_one(
    empty: Flask, settings: Settings, command: list[str]
) -> None:
    assert_refused(run(empty, *command), "no database yet", str(settings.data), "flask migrate")
    assert not settings.data.exists()


def test_what_is_not_ready_is_not_served_and_the_log_says_why(
    empty: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = empty.test_client().get("/login")
    assert answer.status_code == 503
    assert "log" in answer.text
    assert "flask migrate" in caplog.text


def test_a_key_made_after_the_start_is_not_served_without(empty: Flask, settings: Settings) -> None:
    run(empty, "migrate")
    assert empty.test_client().get("/login").status_code == 503
    assert create_app(settings).test_client().get("/login").status_code == 303


@pytest.mark.parametrize("command", [*COMMANDS, ["migrate"]])
def test_an_account_without_its_key_is_refused_and_gets_no_new_one(
    app: Flask, settings: Settings, command: list[str]
) -> None:
    setup(app)
    (settings.data / "secret.key").unlink()
    assert_refused(
        run(app, *command), "secret key", "from a backup", "--new-key", "breaks the links"
    )
    assert not (settings.data / "secret.key").exists()


def test_an_account_without_its_key_is_not_served(app: Flask, settings: Settings) -> None:
    setup(app)
    (settings.data / "secret.key").unlink()
    assert create_app(settings).test_client().get("/login").status_code == 503


def test_an_empty_key_is_a_lost_key(app: Flask, settings: Settings) -> None:
    setup(app)
    (settings.data / "secret.key").write_text("\n")
    assert_refused(run(app, "welcome"), "secret key")


def test_a_key_that_can_be_guessed_is_refused(app: Flask, settings: Settings) -> None:
    key = settings.data / "secret.key"
    good = key.read_text()
    key.write_text("hello\n" + good)
    assert_refused(run(app, "welcome"), "secret.key", "could be guessed", "docs/operating.md")
    key.write_text("f" * 32 + "\n" + good)
    assert run(app, "welcome").exit_code == 0


def test_whoever_wants_a_new_key_can_have_one(app: Flask, settings: Settings) -> None:
    setup(app)
    old = (settings.data / "secret.key").read_text()
    (settings.data / "secret.key").unlink()
    assert run(app, "migrate", "--new-key").exit_code == 0
    assert (settings.data / "secret.key").read_text() != old
    assert run(app, "welcome").exit_code == 0


def test_a_new_key_ends_the_apps_that_the_old_one_made(app: Flask, settings: Settings) -> None:
    setup(app)
    key = settings.data / "secret.key"
    db.connect()
    totp.create(User.get(), NOW)
    recovery_codes.make(User.get(), NOW)
    assert run(app, "migrate", "--new-key").exit_code == 0  # the key is there
    assert recovery_codes.count_unused(User.get()) == 10
    key.unlink()
    assert run(app, "migrate", "--new-key").exit_code == 0
    db.connect()
    assert Authenticator.select().count() == recovery_codes.count_unused(User.get()) == 0


def test_without_key_and_account_migrate_makes_a_key(app: Flask, settings: Settings) -> None:
    (settings.data / "secret.key").unlink()
    assert_refused(run(app, "welcome"), "no secret key yet", "flask migrate")
    assert run(app, "migrate").exit_code == 0
    assert (settings.data / "secret.key").exists()


@pytest.mark.parametrize("command", [*COMMANDS, ["migrate"]])
def test_a_damaged_database_is_refused_with_one_clear_line(
    app: Flask, database: Path, command: list[str]
) -> None:
    db.close()
    database.write_text("this was a database once" * 1000)
    assert_refused(run(app, *command), "is damaged", "flask restore")


@pytest.mark.parametrize("command", ["migrate", "welcome"])
def test_a_data_folder_that_cannot_be_is_refused_with_one_clear_line(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "file").touch()
    app = create_app(load_settings({"INVITES_DATA": str(tmp_path / "file" / "data")}))
    assert_refused(run(app, command), "INVITES_DATA")


def test_setup_makes_the_account_and_its_owner_who_keeps_the_box(app: Flask) -> None:
    done = setup(app)
    assert done.exit_code == 0
    assert "/login" in done.output
    olive = profiles.authenticate("olive@example.org", PASSWORD)
    assert olive is not None
    assert olive.is_installer
    assert olive.is_confirmed
    assert Membership.get().role == Role.OWNER
    assert Account.get().name == "Riverside Relief"


def test_setup_never_prints_the_password(app: Flask) -> None:
    assert PASSWORD not in setup(app).output


def test_setup_works_once(app: Flask) -> None:
    setup(app)
    again = setup(app, "--email", "mallory@example.org")
    assert again.exit_code == 1
    assert "already" in again.output
    assert User.select().count() == 1


@pytest.mark.parametrize(
    ("changes", "typed", "words"),
    [
        ((), "short\n", "at least 10"),
        ((), "", "at least 10"),
        (("--email", "nobody"), PASSWORD, "no @"),
        (("--account", "www.example.org"), PASSWORD, "Leave out web addresses"),
        (("--name", " "), PASSWORD, "can't be empty"),
    ],
)
def test_setup_says_what_is_wrong_and_makes_nothing(
    app: Flask, changes: tuple[str, ...], typed: str, words: str
) -> None:
    refused = setup(app, *changes, typed=typed)
    assert refused.exit_code == 1
    assert words in refused.output
    assert User.select().count() == Account.select().count() == 0


def test_setup_says_everything_that_is_wrong_at_once(app: Flask) -> None:
    refused = setup(app, "--email", "nobody", "--name", " ", typed="short\n")
    assert refused.exit_code == 1
    for words in ("--email: ", "no @", "--name: ", "can't be empty", "password: ", "at least 10"):
        assert words in refused.output
    assert "--account: " not in refused.output


def test_setup_takes_no_password_from_the_command_line(app: Flask) -> None:
    assert run(app, "setup", *WHO, "--password", PASSWORD).exit_code == 2
    assert run(app, "setup", *WHO).exit_code == 2


def test_welcome_prints_the_code_until_somebody_has_set_the_box_up(app: Flask) -> None:
    code = app.extensions["invites"].signer.setup_code()
    assert code in run(app, "welcome").output
    assert "/setup" in run(app, "welcome").output
    setup(app)
    assert code not in run(app, "welcome").output
    assert "/setup" not in run(app, "welcome").output


def test_welcome_warns_of_links_that_work_nowhere_else(database: Path, settings: Settings) -> None:
    environ = {"INVITES_DATA": str(settings.data), "INVITES_MAIL_SERVER": "smtp.example.org"}
    warned = run(create_app(load_settings(environ)), "welcome")
    assert warned.exit_code == 0
    assert "INVITES_BASE_URL" in warned.output
    public = environ | {"INVITES_BASE_URL": "https://invites.example.org"}
    assert "INVITES_BASE_URL" not in run(create_app(load_settings(public)), "welcome").output


def test_each_box_has_a_code_of_its_own(app: Flask, database: Path, settings: Settings) -> None:
    code = app.extensions["invites"].signer.setup_code()
    (settings.data / "secret.key").unlink()
    run(app, "migrate")
    other = create_app(settings)
    assert other.extensions["invites"].signer.setup_code() != code


def test_a_copy_of_database_and_key_is_the_same_box(
    app: Flask, database: Path, settings: Settings, tmp_path: Path
) -> None:
    db.close()
    shutil.copytree(settings.data, tmp_path / "copy")
    copy = create_app(Settings(**{**vars(settings), "data": tmp_path / "copy"}))
    codes = [one.extensions["invites"].signer.setup_code() for one in (app, copy)]
    assert codes[0] == codes[1]


@pytest.mark.slow
class TestAsProcesses:
    """The commands as they are typed, in processes of their own."""

    @pytest.fixture
    def env(self, tmp_path: Path) -> dict[str, str]:
        """The environment of a box without data."""
        return environment(tmp_path / "data", port=free_port())

    @staticmethod
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

    @staticmethod
    def end(process: subprocess.Popen[str]) -> str:
        """What it said; comes back when neither it nor a child of it has its output open."""
        said, _ = process.communicate(timeout=30)
        return said

    def run(self, env: dict[str, str], *command: str) -> str:
        process = self.start(env, *command)
        said = self.end(process)
        assert process.returncode == 0, said
        return said

    def set_up(self, env: dict[str, str]) -> None:
        self.run(env, "flask", "migrate")
        flask("setup", *WHO, "--password-stdin", data=Path(env["INVITES_DATA"]), input=PASSWORD)

    @staticmethod
    def pid_of_pages(process: subprocess.Popen[str]) -> int:
        assert process.stdout
        while not (found := re.search(r"Listening at: .*\((\d+)\)", process.stdout.readline())):
            assert process.poll() is None
        return int(found[1])

    @staticmethod
    def wait_until_well(env: dict[str, str]) -> None:
        """Wait until /healthz finds pages and worker well."""
        for _ in range(300):
            try:
                with urlopen(f"http://{env['INVITES_BIND']}/healthz", timeout=5):
                    return
            except (URLError, ConnectionError):
                time.sleep(0.1)
        raise AssertionError("the box doesn't get well")

    @pytest.mark.parametrize(
        "command",
        [
            ["flask", "--help"],
            ["flask", "migrate"],
            ["flask", "serve"],
            ["gunicorn", "--config", "gunicorn.conf.py", "app:app"],
        ],
    )
    def test_a_setting_that_cannot_be_used_is_said_in_one_line(
        self, env: dict[str, str], command: list[str]
    ) -> None:
        process = self.start(env | {"INVITES_MAIL_FROM": "nobody"}, *command)
        said = self.end(process)
        assert process.returncode == 1
        assert len(said.splitlines()) == 1
        assert said.startswith("Error: INVITES_MAIL_FROM must be an address")
        assert not Path(env["INVITES_DATA"]).exists()

    def test_help_makes_nothing(self, env: dict[str, str]) -> None:
        assert "restore" in self.run(env, "flask", "--help")
        assert not Path(env["INVITES_DATA"]).exists()

    def test_gunicorn_does_not_start_without_a_database(self, env: dict[str, str]) -> None:
        process = self.start(env, "gunicorn", "--config", "gunicorn.conf.py", "app:app")
        said = self.end(process)
        assert process.returncode == 1
        assert "Run 'flask migrate'" in said
        assert "Traceback" not in said
        assert "Listening" not in said

    def test_a_port_that_is_taken_is_said_before_anything_starts(self, env: dict[str, str]) -> None:
        self.run(env, "flask", "migrate")
        with socket.create_server(("127.0.0.1", int(env["INVITES_BIND"].rpartition(":")[2]))):
            process = self.start(env, "flask", "serve")
            said = self.end(process)
        assert process.returncode == 1
        assert len(said.splitlines()) == 1
        assert "Address already in use" in said

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_pages_and_worker_start_and_end_together(
        self, env: dict[str, str], number: signal.Signals
    ) -> None:
        self.run(env, "flask", "migrate")
        before = signal.signal(number, signal.SIG_DFL)  # tests may run under nohup
        process = self.start(env, "flask", "serve")
        signal.signal(number, before)
        try:
            self.wait_until_well(env)
        finally:
            process.send_signal(number)
            said = self.end(process)
        assert process.returncode == 0, said
        assert "Setup code" in said
        assert "mail worker stopped" in said
        assert "Traceback" not in said

    def test_told_to_stop_many_times_at_once_it_stops(self, env: dict[str, str]) -> None:
        self.run(env, "flask", "migrate")
        process = self.start(env, "flask", "serve")
        try:
            self.wait_until_well(env)
            for _ in range(10_000):
                process.terminate()
            said = self.end(process)
        finally:
            process.kill()
        assert process.returncode == 0, said

    @pytest.mark.parametrize(
        ("number", "why"), [(signal.SIGTERM, "it was asked to"), (signal.SIGKILL, "out of memory")]
    )
    def test_when_one_of_the_two_ends_so_does_the_other_and_it_is_said_which_and_why(
        self, env: dict[str, str], number: signal.Signals, why: str
    ) -> None:
        self.run(env, "flask", "migrate")
        process = self.start(env, "flask", "serve")
        self.wait_until_well(env)
        os.kill(self.pid_of_pages(process), number)
        said = self.end(process)
        assert process.returncode == 1
        assert "mail worker stopped" in said
        assert "The web server stopped: " in said
        assert why in said
        assert "The mail worker stopped" not in said

    def test_what_should_be_looked_at_is_said_once(self, env: dict[str, str]) -> None:
        self.run(env, "flask", "migrate")
        process = self.start(env | {"INVITES_MAIL_SENDER": "x"}, "flask", "serve")
        try:
            self.wait_until_well(env)
        finally:
            process.terminate()
            said = self.end(process)
        assert said.count("There is no setting INVITES_MAIL_SENDER") == 1

    def test_a_restore_waits_until_the_services_are_stopped(
        self, env: dict[str, str], tmp_path: Path
    ) -> None:
        self.set_up(env)
        self.run(env, "flask", "backup", str(tmp_path / "backups"))
        (backup,) = (tmp_path / "backups").iterdir()
        restore = ("flask", "restore", str(backup), "--replace")
        for service in (
            ("flask", "worker"),
            ("gunicorn", "--config", "gunicorn.conf.py", "app:app"),
        ):
            process = self.start(env, *service)
            try:
                assert process.stdout
                while not re.search("started|Listening", process.stdout.readline()):
                    assert process.poll() is None
                refused = self.end(self.start(env, *restore))
            finally:
                process.terminate()
                self.end(process)
            assert "Stop the web server and the mail worker" in refused
        assert "Start Invites again" in self.run(env, *restore)

    def test_the_documented_backup_and_restore_commands_work(
        self, env: dict[str, str], tmp_path: Path
    ) -> None:
        guide = (PROJECT_ROOT / "docs" / "operating.md").read_text()
        (backup,) = re.findall(r"^    runuser .*/(flask backup .*)$", guide, re.MULTILINE)
        (restore,) = re.findall(r"^    runuser .*/(flask restore .*)$", guide, re.MULTILINE)
        (timer,) = re.findall(
            r"^ExecStart=.*/(flask backup .*)$",
            (PROJECT_ROOT / "deploy" / "invites-backup.service").read_text(),
            re.MULTILINE,
        )
        assert backup == timer
        self.set_up(env)
        before = everything(Path(env["INVITES_DATA"]) / "invites.sqlite3")

        folder = tmp_path / "backups"
        self.run(env, *backup.replace("/var/backups/invites", str(folder)).split())
        (made,) = folder.iterdir()
        restore = re.sub(r"/var/backups/invites/\S+Z", str(made), restore)

        self.run(env, *restore.split())
        assert everything(Path(env["INVITES_DATA"]) / "invites.sqlite3") == before
        elsewhere = env | {"INVITES_DATA": str(tmp_path / "new box")}
        self.run(elsewhere, *restore.split())
        assert everything(tmp_path / "new box" / "invites.sqlite3") == before
        assert "Invites runs at" in self.run(elsewhere, "flask", "welcome")
