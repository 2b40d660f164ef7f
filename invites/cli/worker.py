"""The flask command worker."""

import logging

from flask.cli import ScriptInfo, pass_script_info
from flask_mail import Mail

from invites import db
from invites.cli import readiness
from invites.cli.shared import command
from invites.sending.worker import Worker
from invites.web.services import services


@command
@pass_script_info
def worker(info: ScriptInfo) -> None:
    """Send queued mail until stopped (SIGTERM or Ctrl-C)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = services().settings
    db.configure(settings.database_path, durable=False)
    with readiness.service(settings):
        app = info.load_app()
        Worker(Mail(app) if settings.mail_server else None, services().mail_context).run()
