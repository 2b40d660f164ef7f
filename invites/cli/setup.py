"""The flask commands setup, welcome and version."""

import platform
import sqlite3
import sys
from collections.abc import Callable
from importlib import metadata

import click

from invites import __version__
from invites.cli import readiness
from invites.cli.shared import command, error_text, ready_database
from invites.core import addresses, text_fields
from invites.core.clock import utcnow
from invites.core.errors import RuleError
from invites.members import installation
from invites.people import passwords, profiles
from invites.web.services import services


@command
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
        raise click.ClickException(error_text(refused)) from None
    click.echo(f"{founded.name} is set up. Log in at {services().settings.base_url}/login")


def _refuse_all(*checks: tuple[str, Callable[[], object]]) -> None:
    """Raises one ClickException that lists every refusal."""
    problems = []
    for name, check in checks:
        try:
            check()
        except RuleError as refused:
            problems.append(f"{name}: {error_text(refused)}")
    if problems:
        raise click.ClickException("\n  ".join(["Nothing was created.", *problems]))


@command
def welcome() -> None:
    """Show the address of this installation and, before it is set up, the setup code."""
    ready_database()
    greet()
    for warning in readiness.warnings(services().settings):
        click.echo(f"  Warning: {warning}\n", err=True)


def greet() -> None:
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


@command
def version() -> None:
    """Print the version of Invites, and of what it runs on."""
    for name, number in (
        ("Invites", __version__),
        ("Python", platform.python_version()),
        ("Flask", metadata.version("flask")),
        ("SQLite", sqlite3.sqlite_version),
    ):
        click.echo(f"{name} {number}")
