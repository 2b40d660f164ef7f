"""The commands migrate, backup and restore, and databases and keys that can't be used."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from invites import db
from invites.core.secret_key import fingerprint
from invites.core.settings import PROJECT_ROOT, Settings, load_settings
from invites.factory import create_app
from invites.members import installation
from invites.models import Authenticator, User
from invites.people import recovery_codes, sessions, totp
from tests.cli.running import (
    COMMANDS,
    GUNICORN,
    assert_refused,
    output_of,
    run,
    run_process,
    setup,
    start,
)
from tests.conftest import NOW
from tests.support.faults import fill, make_read_only
from tests.support.populated_account import everything
from tests.support.server import environment, set_up_data
from tests.support.smtp_server import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(settings: Settings) -> Flask:
    """An application without database and key."""
    return create_app(settings)


def test_migrate_creates_the_database_and_reports_it(empty: Flask) -> None:
    done = run(empty, "migrate")
    assert done.exit_code == 0
    assert "Applied" in done.output
    assert User.select().count() == 0


def test_migrate_changes_nothing_the_second_time(empty: Flask, settings: Settings) -> None:
    run(empty, "migrate")
    before = everything(settings.database_path)
    again = run(empty, "migrate")
    assert again.exit_code == 0
    assert "up to date" in again.output
    assert everything(settings.database_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_database_one_line_says_how_to_create_it(
    empty: Flask, settings: Settings, command: list[str]
) -> None:
    assert_refused(run(empty, *command), "no database yet", str(settings.data), "flask migrate")
    assert not settings.data.exists()


def test_nothing_is_served_without_a_database_and_the_log_says_why(
    empty: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = empty.test_client().get("/login")
    assert answer.status_code == 503
    assert "log" in answer.text
    assert "flask migrate" in caplog.text


def test_nothing_is_served_with_a_key_that_was_created_after_the_start(
    empty: Flask, settings: Settings
) -> None:
    run(empty, "migrate")
    assert empty.test_client().get("/login").status_code == 503
    assert create_app(settings).test_client().get("/login").status_code == 303


@pytest.mark.parametrize("command", [*COMMANDS, ["migrate"]])
def test_a_lost_key_is_refused_and_not_replaced(
    app: Flask, settings: Settings, command: list[str]
) -> None:
    setup(app)
    (settings.data / "secret.key").unlink()
    assert_refused(
        run(app, *command), "secret key", "from a backup", "--new-key", "breaks the links"
    )
    assert not (settings.data / "secret.key").exists()


def test_nothing_is_served_when_the_key_is_lost(app: Flask, settings: Settings) -> None:
    setup(app)
    (settings.data / "secret.key").unlink()
    assert create_app(settings).test_client().get("/login").status_code == 503


def test_an_empty_key_counts_as_lost(app: Flask, settings: Settings) -> None:
    setup(app)
    (settings.data / "secret.key").write_text("\n")
    assert_refused(run(app, "welcome"), "secret key")


@pytest.fixture
def key(app: Flask, settings: Settings) -> Path:
    """The key file of an installation that is set up."""
    assert run(app, "migrate").exit_code == 0
    assert setup(app).exit_code == 0
    return settings.data / "secret.key"


@pytest.mark.parametrize("command", [*COMMANDS, ["migrate"]])
def test_the_key_of_another_installation_is_refused_with_what_to_do(
    app: Flask, key: Path, command: list[str]
) -> None:
    key.write_text("e" * 64 + "\n")
    assert_refused(run(app, *command), str(key), "is not the one", "from a backup", "--new-key")
    assert key.read_text() == "e" * 64 + "\n"


def test_nothing_is_served_with_the_key_of_another_installation(
    settings: Settings, key: Path
) -> None:
    key.write_text("e" * 64 + "\n")
    assert create_app(settings).test_client().get("/login").status_code == 503


def test_a_key_can_be_rotated_and_the_old_one_removed_after_a_start(app: Flask, key: Path) -> None:
    old, new = key.read_text(), "e" * 64 + "\n"
    for content in (new + old, new):
        key.write_text(content)
        assert run(app, "welcome").exit_code == 0
        assert run(app, "migrate").exit_code == 0
    key.write_text(old)  # signed none of the newest links
    assert_refused(run(app, "welcome"), "is not the one")


def test_until_the_installation_is_set_up_any_key_will_do(app: Flask, settings: Settings) -> None:
    run(app, "migrate")
    (settings.data / "secret.key").write_text("e" * 64 + "\n")
    assert run(app, "welcome").exit_code == 0
    assert setup(app).exit_code == 0
    assert run(app, "migrate").exit_code == 0
    assert run(app, "welcome").exit_code == 0


def test_the_keys_of_a_database_from_an_earlier_version_are_taken_over(
    app: Flask, key: Path
) -> None:
    db.connect()
    installation.remember_keys([])
    assert run(app, "welcome").exit_code == 0
    assert run(app, "migrate").exit_code == 0
    db.connect()
    assert installation.key_fingerprints() == [fingerprint(key.read_text().strip())]


def test_another_key_can_be_taken_if_the_own_one_is_lost(app: Flask, key: Path) -> None:
    db.connect()
    totp.create(User.get(), NOW)
    key.write_text("e" * 64 + "\n")
    assert run(app, "migrate", "--new-key").exit_code == 0
    assert run(app, "welcome").exit_code == 0
    assert key.read_text() == "e" * 64 + "\n"
    db.connect()
    assert Authenticator.select().count() == 0


@pytest.mark.parametrize("command", ["migrate", "welcome"])
def test_a_key_that_others_can_read_is_warned_of(app: Flask, key: Path, command: str) -> None:
    assert "chmod" not in run(app, command).output
    key.chmod(0o644)
    done = run(app, command)
    assert done.exit_code == 0
    assert f"chmod 600 {key}" in done.output


@pytest.mark.parametrize(
    ("break_it", "words"), [(fill, "disk is full"), (make_read_only, "can't be written")]
)
def test_a_command_that_cannot_write_says_so_in_one_line(
    app: Flask, key: Path, database: Path, break_it: Callable[..., Any], words: str
) -> None:
    db.connect()
    with break_it(database), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "end_all_of_everyone", lambda: list(map(_login, range(500))))
        assert_refused(run(app, "log-out", "--everybody"), words, str(database.parent))


def _login(_number: int) -> None:
    sessions.start(User.get(), "x" * 200, NOW)


def test_a_key_that_could_be_guessed_is_refused(app: Flask, settings: Settings) -> None:
    key = settings.data / "secret.key"
    good = key.read_text()
    key.write_text("hello\n" + good)
    assert_refused(
        run(app, "welcome"), "secret.key", "short enough to be guessed", "docs/operating.md"
    )
    key.write_text("f" * 32 + "\n" + good)
    assert run(app, "welcome").exit_code == 0


def test_a_lost_key_can_be_replaced(app: Flask, settings: Settings) -> None:
    setup(app)
    old = (settings.data / "secret.key").read_text()
    (settings.data / "secret.key").unlink()
    assert run(app, "migrate", "--new-key").exit_code == 0
    assert (settings.data / "secret.key").read_text() != old
    assert run(app, "welcome").exit_code == 0


def test_a_new_key_ends_authenticator_apps_and_recovery_codes(
    app: Flask, settings: Settings
) -> None:
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


def test_without_key_and_account_migrate_creates_a_key(app: Flask, settings: Settings) -> None:
    (settings.data / "secret.key").unlink()
    assert_refused(run(app, "welcome"), "no secret key yet", "flask migrate")
    assert run(app, "migrate").exit_code == 0
    assert (settings.data / "secret.key").exists()


@pytest.mark.parametrize("command", [*COMMANDS, ["migrate"]])
def test_a_damaged_database_is_refused_in_one_line(
    app: Flask, database: Path, command: list[str]
) -> None:
    db.close()
    database.write_text("this was a database once" * 1000)
    assert_refused(run(app, *command), "is damaged", "flask restore")


@pytest.mark.parametrize("command", ["migrate", "welcome"])
def test_an_impossible_data_folder_is_refused_in_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    app = create_app(load_settings({"INVITES_DATA": str(tmp_path / "file" / "data")}))
    assert_refused(run(app, command), "INVITES_DATA")


def test_a_copy_of_database_and_key_is_the_same_installation(
    app: Flask, database: Path, settings: Settings, tmp_path: Path
) -> None:
    db.close()
    shutil.copytree(settings.data, tmp_path / "copy")
    copy = create_app(Settings(**{**vars(settings), "data": tmp_path / "copy"}))
    codes = [one.extensions["invites"].signer.setup_code() for one in (app, copy)]
    assert codes[0] == codes[1]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of an installation that is set up."""
    env = environment(tmp_path / "data", port=free_port())
    set_up_data(Path(env["INVITES_DATA"]))
    return env


def test_a_restore_is_refused_while_the_services_run(env: dict[str, str], tmp_path: Path) -> None:
    run_process(env, "flask", "backup", str(tmp_path / "backups"))
    (backup,) = (tmp_path / "backups").iterdir()
    restore = ("flask", "restore", str(backup), "--replace")
    for service in (("flask", "worker"), GUNICORN):
        process = start(env, *service)
        try:
            assert process.stdout
            while not re.search("started|Listening", process.stdout.readline()):
                assert process.poll() is None
            refused = output_of(start(env, *restore))
        finally:
            process.terminate()
            output_of(process)
        assert "Stop the web server and the mail worker" in refused
    assert "Start Invites again" in run_process(env, *restore)


def test_the_documented_backup_and_restore_commands_work(
    env: dict[str, str], tmp_path: Path
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
    before = everything(Path(env["INVITES_DATA"]) / "invites.sqlite3")

    folder = tmp_path / "backups"
    run_process(env, *backup.replace("/var/backups/invites", str(folder)).split())
    (made,) = folder.iterdir()
    restore = re.sub(r"/var/backups/invites/\S+Z", str(made), restore)

    run_process(env, *restore.split())
    assert everything(Path(env["INVITES_DATA"]) / "invites.sqlite3") == before
    elsewhere = env | {"INVITES_DATA": str(tmp_path / "elsewhere")}
    run_process(elsewhere, *restore.split())
    assert everything(tmp_path / "elsewhere" / "invites.sqlite3") == before
    assert "Invites runs at" in run_process(elsewhere, "flask", "welcome")
