"""The commands: flask setup, migrate, worker, welcome, backup; bounces is in cli_bounces."""

import logging
import shutil
import sys
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_mail import Mail

from invites import db, install, profiles
from invites.cli_bounces import bounces
from invites.clock import utcnow
from invites.refusals import Refused
from invites.web.services import services
from invites.web.words import sentence
from invites.worker import Worker


def register(app: Flask) -> None:
    """Add the commands to ``flask``."""
    for command in (migrate, setup, worker, welcome, backup, bounces):
        app.cli.add_command(command)


@click.command()
@with_appcontext
def migrate() -> None:
    """Bring the database to this version. Safe to run at any time, by one process at a time."""
    applied = db.migrate()
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("The database is up to date.")


@click.command()
@click.option("--account", required=True, help="The organisation's name.")
@click.option("--name", required=True, help="Your name.")
@click.option("--email", required=True, help="Your e-mail address, to log in with.")
@click.option(
    "--password-stdin",
    is_flag=True,
    required=True,
    expose_value=False,
    help="Read the password from standard input, where no process list shows it.",
)
@with_appcontext
def setup(account: str, name: str, email: str) -> None:
    """Make the first account and its owner, without a browser."""
    _ready_database()
    password = sys.stdin.readline().rstrip("\r\n")
    try:
        profile = profiles.prepare(name, email, password)
        founded, _installer = install.set_up(account, profile, utcnow())
    except Refused as refused:
        with current_app.test_request_context():
            raise click.ClickException(sentence(refused)) from None
    click.echo(f"{founded.name} is set up. Log in at {services().settings.base_url}/login")


@click.command()
@with_appcontext
def worker() -> None:
    """Send queued mail until stopped (SIGTERM or Ctrl-C)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = services().settings
    db.configure(settings.database_path, durable=False)
    _ready_database()
    db.close()
    Worker(Mail(current_app) if settings.mail_server else None, services().postage).run()


@click.command()
@with_appcontext
def welcome() -> None:
    """Say where to go; on a fresh box, with the code that guards the set-up page."""
    _ready_database()
    url = services().settings.base_url
    click.echo("")
    if install.is_set_up():
        click.echo(f"  Invites is at   {url}")
    else:
        click.echo(f"  Set it up at    {url}/setup")
        click.echo(f"  Set-up code     {services().signer.setup_code()}")
    server = services().settings.mail_server
    if server is None:
        click.echo(f"  Mail            no INVITES_MAIL_SERVER: it waits at {url}/mailbox")
    else:
        sender = services().settings.mail_from.addr_spec
        click.echo(f"  Mail            {server.host}:{server.port} as {sender}")
    click.echo("")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def backup(folder: Path) -> None:
    """Copy database and secret key into FOLDER, which is made, while Invites runs."""
    _ready_database()
    if not install.is_set_up():
        raise click.ClickException(
            f"There is nothing to back up in {services().settings.data}. Is INVITES_DATA right?"
        )
    settings = services().settings
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    db.backup(folder / settings.database_path.name)
    copy = folder / "secret.key"
    copy.touch(mode=0o600)
    shutil.copyfile(settings.data / "secret.key", copy)
    click.echo(f"{folder} holds all there is in {settings.data}. Keep it as safe as the box.")


def _ready_database() -> None:
    try:
        db.refuse_old_schema()
    except db.OldSchemaError as error:
        raise click.ClickException(str(error)) from None
    db.connect()
