"""The flask commands migrate, backup and restore."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec

import click
from peewee import PeeweeException

from invites import db
from invites.cli import backups, readiness
from invites.cli.shared import command, describe, ready_database
from invites.core import secret_key
from invites.core.clock import utcnow
from invites.core.setting_values import SettingsError, database_url
from invites.db import NotReadyError, copying
from invites.members import installation
from invites.models import TABLES
from invites.web.services import services

P = ParamSpec("P")


@command
@click.option(
    "--new-key",
    is_flag=True,
    help="For a database whose secret key is lost: use the key that is there, or create one. "
    "Logs everyone out, breaks the links in all emails, and removes authenticator apps and "
    "recovery codes.",
)
def migrate(new_key: bool) -> None:
    """Create the database and the secret key, or update the database to this version.

    Safe to run at any time.
    """
    applied = readiness.prepare(services().settings, new_key=new_key)
    for warning in secret_key.warnings(services().settings.data):
        click.echo(f"Warning: {warning}", err=True)
    for name in applied:
        click.echo(f"Applied {name}.")
    if not applied:
        click.echo("The database is up to date.")


@command
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Keep this many backups in FOLDER and delete older ones.",
)
def backup(folder: Path, keep: int | None) -> None:
    """Copy the database and the secret key into a dated folder in FOLDER.

    Invites may be running.
    """
    settings, now = services().settings, utcnow()
    try:
        ready_database()
        if not installation.is_set_up():
            raise click.ClickException(
                f"There is nothing to back up in {settings.data}. Is INVITES_DATA right?"
            )
        done = backups.back_up(settings, folder, now, keep=keep)
    except (NotReadyError, SettingsError, OSError) as error:
        _record(installation.record_failed_backup, now, describe(error))
        raise
    _record(installation.record_backup, now)
    click.echo(f"Backed up {settings.data} to {done}. Protect it like this installation.")


def _record(write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Records a result for the Mail page and /healthz, if the database can be written."""
    with suppress(PeeweeException):
        db.connect()
        write(*args, **kwargs)
    db.close()


@command
@click.argument("source")
@click.argument("target")
def copy_database(source: str, target: str) -> None:
    """Copy all data from SOURCE to TARGET while Invites is stopped.

    Each is a SQLite file or the address of a PostgreSQL database (postgresql://…). TARGET must be
    empty or new. Then set INVITES_DATABASE to it, or move the file into the data folder.
    """
    settings = services().settings
    with readiness.hold_alone(settings):
        rows = copying.copy(_place(source), _place(target), settings.data, TABLES)
    click.echo(f"Copied {rows:,} rows, and compared them.")


def _place(text: str) -> Path | str:
    return database_url(text) if "://" in text else Path(text).resolve()


@command
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Move the present data into a dated folder first.")
@click.option(
    "--keep-mail",
    is_flag=True,
    help="Keep emails queued that the backup has queued. Any sent since the backup are sent twice.",
)
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
