"""The commands for when somebody is locked out, or in who shouldn't be."""

import sys

import click
from flask.cli import with_appcontext

from invites import db
from invites.cli.shared import Command, ready_database, words
from invites.core.clock import utcnow
from invites.core.errors import RuleError
from invites.members import accounts, ownership
from invites.models import Account, User
from invites.people import profiles, sessions, two_step

_JOIN_FIRST = "Let them join any account first, by an invitation or a permanent link."


@click.command(cls=Command)
@click.option("--account", "slug", required=True, help="The account, as its address names it.")
@click.option("--email", required=True, help="The address of somebody with a profile.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read a new password for them from standard input, and sign them out everywhere.",
)
@with_appcontext
def rescue_owner(slug: str, email: str, password_stdin: bool) -> None:
    """Make somebody Account Owner, when nobody else can.

    It is written down in the audit log.
    """
    ready_database()
    account, user = _account(slug), _user(email, _JOIN_FIRST)
    now = utcnow()
    try:
        with db.transaction():
            if password_stdin:
                profiles.give_password(user, sys.stdin.readline().rstrip("\r\n"), now)
            ownership.rescue(account, user, now)
    except RuleError as refused:
        raise click.ClickException(words(refused)) from None
    click.echo(f"{user.name} ({user.email}) is Account Owner of {account.name} now.")
    if two_step.is_on(user):
        click.echo(
            "At the log-in their second step is asked for as before. If they lost it: "
            f"flask disable-two-step --email {user.email}"
        )


@click.command(cls=Command)
@click.option("--email", required=True, help="The address of somebody with a profile.")
@with_appcontext
def disable_two_step(email: str) -> None:
    """Let somebody in by their password alone who lost phone, keys and recovery codes.

    They are told by mail, and the Activity of their accounts says so.
    """
    ready_database()
    user = _user(email)
    had_one = two_step.end(user, utcnow())
    when = "now" if had_one else "already: there was no second step to forget"
    click.echo(f"{user.name} ({user.email}) logs in by password alone {when}.")


@click.command(cls=Command)
@click.option("--email", help="The address of somebody with a profile.")
@click.option("--everybody", is_flag=True, help="Everybody, of every account.")
@with_appcontext
def sign_out(email: str | None, everybody: bool) -> None:
    """End the open sessions of somebody, or of everybody, on every device.

    Passwords stay as they are, so that who knows theirs can log in again.
    """
    if everybody == bool(email):
        raise click.UsageError("Say either --email ADDRESS or --everybody.")
    ready_database()
    if email:
        user = _user(email)
        sessions.end_all(user)
        click.echo(f"{user.name} ({user.email}) is signed out everywhere.")
    else:
        sessions.end_everybodys()
        click.echo("Everybody is signed out everywhere.")


def _account(slug: str) -> Account:
    found = accounts.by_slug(slug)
    if found is None:
        there = ", ".join(account.slug for account in accounts.all_of_them()) or "none"
        raise click.ClickException(f"There is no account {slug!r}. There are: {there}.")
    return found


def _user(email: str, what_to_do: str = "") -> User:
    found = profiles.find(email)
    if found is None:
        raise click.ClickException(
            f"Nobody has a profile with the address {email}. {what_to_do}".strip()
        )
    return found
