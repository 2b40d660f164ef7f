"""The flask command worker: sends queued messages."""

import logging

import click

from invites import db
from invites.cli import readiness
from invites.cli.shared import command
from invites.sending.worker import Worker
from invites.web.services import services


@command
def worker() -> None:
    """Send queued emails until stopped (SIGTERM or Ctrl-C)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = services().settings
    db.configure(settings.database, folder=settings.data, durable=False)
    with readiness.service(settings):
        current = Worker(settings.mail_server, services().mail_context)
        current.run()
    if current.has_lost_database:
        raise click.ClickException("The connection to the database was lost. Start again.")
