"""The flask command report-failure, which systemd runs when another service fails."""

import click

from invites.cli.shared import command, ready_database
from invites.core.clock import utcnow
from invites.mail.rendering import render_service_failure
from invites.mail_check.test_mail import send_test_mail
from invites.models import User
from invites.web.services import services


@command
@click.argument("service")
def report_failure(service: str) -> None:
    """Tell the people who manage this installation by email that SERVICE failed.

    The email isn't queued, because the queue or the mail worker may be what failed.
    """
    server = services().settings.mail_server
    if server is None:
        raise click.ClickException(f"{service} failed. No INVITES_MAIL_SERVER is set to report it.")
    ready_database()
    missed = []
    for person in User.select().where(User.is_installer):
        mail = render_service_failure(person.email, service, services().mail_context, utcnow())
        if send_test_mail(server, mail).diagnosis is not None:
            missed.append(person.email)
    if missed:
        raise click.ClickException(
            f"{service} failed. No email could be sent to {', '.join(missed)}. "
            "Send a test email from the Mail page to see why."
        )
    click.echo(f"{service} failed. The people who manage this installation were emailed.")
