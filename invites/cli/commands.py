"""The flask commands version, migrate, setup, welcome, serve, worker, backup and restore.

``bounces`` is in ``cli/bounces.py``; ``rescue-owner``, ``disable-two-step`` and ``sign-out``
are in ``cli/rescue.py``.
"""

import logging
import os
import platform
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import click
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info, with_appcontext
from flask_mail import Mail

from invites import __version__, db
from invites.cli import backups, readiness
from invites.cli.bounces import bounces
from invites.cli.rescue import disable_two_step, rescue_owner, sign_out
from invites.cli.shared import Command, ready_database, words
from invites.core import addresses, text_fields
from invites.core.clock import utcnow
from invites.core.errors import RuleError
from invites.core.settings import PROJECT_ROOT
from invites.members import installation
from invites.people import passwords, profiles
from invites.sending.worker import Worker
from invites.web.services import services

_ENDS_WITHIN = 30  # seconds; more than gunicorn's graceful_timeout and one mail in hand


def register(app: Flask) -> None:
    """Add the commands to ``flask``."""
    own = (version, migrate, setup, welcome, serve, worker, backup, restore)
    for command in (*own, bounces, rescue_owner, disable_two_step, sign_out):
        app.cli.add_command(command)


@click.command(cls=Command)
@with_appcontext
def version() -> None:
    """Print the version of Invites, and of what it runs on."""
    for name, number in (
        ("Invites", __version__),
        ("Python", platform.python_version()),
        ("Flask", metadata.version("flask")),
        ("SQLite", sqlite3.sqlite_version),
    ):
        click.echo(f"{name} {number}")


@click.command(cls=Command)
@click.option(
    "--new-key",
    is_flag=True,
    help="Create a new secret key for a database whose key is lost. Logs everyone out and "
    "breaks the links in all emails.",
)
@with_appcontext
def migrate(new_key: bool) -> None:
    """Create the database and the secret key, or update the database to this version.

    Safe to run at any time.
    """
    applied = readiness.prepare(services().settings, new_key=new_key)
    for name in applied:
        click.echo(f"Applied {name}.")
    if not applied:
        click.echo("The database is up to date.")


@click.command(cls=Command)
@click.option("--account", required=True, help="The organization's name.")
@click.option("--name", required=True, help="Your name.")
@click.option("--email", required=True, help="The email address you log in with.")
@click.option(
    "--password-stdin",
    is_flag=True,
    required=True,
    expose_value=False,
    help="Read the password from standard input, so that no process list shows it.",
)
@with_appcontext
def setup(account: str, name: str, email: str) -> None:
    """Create the first account and its owner without a browser."""
    ready_database()
    password = sys.stdin.readline().rstrip("\r\n")
    _refuse_all(
        ("--account", lambda: text_fields.clean_name(account)),
        ("--name", lambda: text_fields.clean_name(name)),
        ("--email", lambda: addresses.canonical(email)),
        ("password", lambda: passwords.check_acceptable(password, email=email, name=name)),
    )
    try:
        profile = profiles.prepare(name, email, password)
        founded, _installer = installation.set_up(account, profile, utcnow())
    except RuleError as refused:
        raise click.ClickException(words(refused)) from None
    click.echo(f"{founded.name} is set up. Log in at {services().settings.base_url}/login")


def _refuse_all(*checks: tuple[str, Callable[[], object]]) -> None:
    """Raises one ClickException that lists everything that is wrong."""
    problems = []
    for name, check in checks:
        try:
            check()
        except RuleError as refused:
            problems.append(f"{name}: {words(refused)}")
    if problems:
        raise click.ClickException("\n  ".join(["Nothing was created.", *problems]))


@click.command(cls=Command)
@with_appcontext
def welcome() -> None:
    """Show the address of this installation and, before it is set up, the setup code."""
    ready_database()
    _greet()
    for warning in services().settings.warnings:
        click.echo(f"  Warning: {warning}\n", err=True)


def _greet() -> None:
    url = services().settings.base_url
    click.echo("")
    if installation.is_set_up():
        click.echo(f"  Invites runs at {url}")
    else:
        click.echo(f"  Set up at       {url}/setup")
        click.echo(f"  Setup code      {services().signer.setup_code()}")
    server = services().settings.mail_server
    if server is None:
        click.echo(f"  Mail            no INVITES_MAIL_SERVER: emails wait at {url}/mailbox")
    else:
        sender = services().settings.mail_from.addr_spec
        click.echo(f"  Mail            {server.host}:{server.port} as {sender}")
    click.echo("")


@click.command(cls=Command)
@with_appcontext
def serve() -> None:
    """Run the web server and the mail worker in this terminal until stopped."""
    ready_database()
    _refuse_taken_port(services().settings.bind)
    _greet()  # gunicorn logs the warnings
    db.close()
    stopped = _told_to_stop()
    running = {
        "web server": _start("gunicorn", "--config", "gunicorn.conf.py", "app:app"),
        # Pages come first: people wait for them.
        "mail worker": _start("flask", "worker", before=("nice", "-n", "5")),
    }
    in_terminal = sys.stdin.isatty()
    while not stopped and all(process.poll() is None for process in running.values()):
        time.sleep(0.1)
        if (
            in_terminal and not sys.stdin.isatty()
        ):  # the terminal was closed; make passes on no SIGHUP
            stopped.append(signal.SIGHUP)
    ended = [
        f"The {name} stopped: {_how(process.returncode)}."
        for name, process in running.items()
        if process.returncode is not None
    ]
    _end(list(running.values()))
    if not stopped:
        raise click.ClickException(f"{' '.join(ended)} Invites has stopped.")


def _how(code: int) -> str:
    """Why a process ended, by its exit code."""
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
    """Start a program in its own session, where only this process signals it."""
    return subprocess.Popen(  # noqa: S603  # a list of our own words, no shell
        [*before, sys.executable, "-m", module, *arguments],
        cwd=PROJECT_ROOT,
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},  # threads share what they have freed
        start_new_session=True,
    )


def _told_to_stop() -> list[int]:
    """A list that is filled when this process receives SIGTERM, SIGINT or SIGHUP.

    A threading.Event would deadlock: its lock may be held by the interrupted main thread.
    """
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP, on purpose
            signal.signal(number, lambda told, _frame: signals.append(told))
    return signals


def _end(running: list[subprocess.Popen[bytes]]) -> None:
    """Terminate all processes; kill those that don't end in time."""
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


@click.command(cls=Command)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Keep this many backups in FOLDER and delete older ones.",
)
@with_appcontext
def backup(folder: Path, keep: int | None) -> None:
    """Copy the database and the secret key into a dated folder in FOLDER.

    Invites may be running.
    """
    ready_database()
    settings = services().settings
    if not installation.is_set_up():
        raise click.ClickException(
            f"There is nothing to back up in {settings.data}. Is INVITES_DATA right?"
        )
    done = backups.back_up(settings, folder, utcnow(), keep=keep)
    click.echo(f"Backed up {settings.data} to {done}. Protect it like this installation.")


@click.command(cls=Command)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Move the present data into a dated folder first.")
@click.option(
    "--keep-mail",
    is_flag=True,
    help="Keep emails queued that were queued in the backup. Emails sent since are sent twice.",
)
@with_appcontext
def restore(folder: Path, replace: bool, keep_mail: bool) -> None:
    """Restore the database and the secret key from a backup while Invites is stopped.

    FOLDER is one of the dated folders that 'flask backup' creates.
    """
    settings = services().settings
    done = backups.restore(settings, folder, utcnow(), replace=replace, keep_mail=keep_mail)
    click.echo(f"Restored {folder} to {settings.data}. Start Invites again.")
    click.echo("Everyone has to log in again.")
    if done.replaced:
        click.echo(f"The previous data is in {done.replaced}.")
    if done.on_hold:
        click.echo(
            f"Emails on hold: {done.on_hold}. They were queued in the backup and may have been "
            "sent since. To send them, open the pages of their batches; to send all of them, "
            "restore again with --replace --keep-mail."
        )
