"""The flask command doctor: checks the installation and says what to do."""

import sys

import click

from invites import db
from invites.cli.checks import check_all
from invites.cli.findings import Status
from invites.cli.shared import command
from invites.core.clock import utcnow
from invites.web.services import services


@command
def doctor() -> None:
    """Check this installation: one line for each finding. Exits with 1 if there is a problem.

    Sends no email. Takes about 15 seconds at most.
    """
    settings = services().settings
    # It waits less for a locked database than pages do.
    db.configure(settings.database, folder=settings.data, durable=False)
    has_problem = False
    for finding in check_all(settings, utcnow()):
        click.echo(f"{finding.status:8} {finding.subject}: {finding.text}")
        has_problem |= finding.status is Status.PROBLEM
    sys.exit(has_problem)
