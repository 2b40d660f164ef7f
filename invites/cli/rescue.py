"""The flask commands rescue-owner, disable-two-step and log-out."""

import sys

import click

from invites import db
from invites.cli.shared import command, error_text, ready_database
from invites.core.clock import utcnow
from invites.core.errors import RuleError
from invites.members import accounts, ownership
from invites.models import Account, User
from invites.people import confirmation, profiles, sessions, two_step

_JOIN_FIRST = "They have to join an account first, with an invitation or a permanent link."


@command
@click.option(
    "--account", "slug", required=True, help="The account, as in the web address of its pages."
)
@click.option("--email", required=True, help="The email address of a profile.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read a new password for them from standard input, and log them out everywhere.",
)
def rescue_owner(slug: str, email: str, password_stdin: bool) -> None:
    """Make someone Account Owner when nobody else can.

    This is recorded in the audit log.
    """
    ready_database()
    account, user = _account(slug), _user(email, _JOIN_FIRST)
    now = utcnow()
    try:
        with db.transaction():
            if password_stdin:
                user = confirmation.set_password(user, sys.stdin.readline().rstrip("\r\n"), now)
            ownership.rescue(account, user, now)
    except RuleError as refused:
        raise click.ClickException(error_text(refused)) from None
    click.echo(f"{account.name} has another Account Owner: {user.name} ({user.email}).")
    if two_step.is_on(user):
        click.echo(
            "They still need two-step verification to log in. If they can't use it, run: "
            f"flask disable-two-step --email {user.email}"
        )


@command
@click.option("--email", required=True, help="The email address of a profile.")
def disable_two_step(email: str) -> None:
    """Turn off two-step verification for someone who lost their app, passkeys and codes.

    They are notified by email, and it is recorded in the audit log of their accounts.
    """
    ready_database()
    user = _user(email)
    had_one = two_step.disable(user, utcnow())
    was = "is now" if had_one else "was already"
    click.echo(f"Two-step verification {was} off for {user.name} ({user.email}).")


@command
@click.option("--email", help="The email address of a profile.")
@click.option("--everybody", is_flag=True, help="Log out everyone, in every account.")
def log_out(email: str | None, everybody: bool) -> None:
    """Log someone, or everyone, out on all devices.

    Passwords don't change: people can log in again with theirs.
    """
    if everybody == bool(email):
        raise click.UsageError("Use either --email ADDRESS or --everybody.")
    ready_database()
    if email:
        user = _user(email)
        sessions.end_all(user)
        click.echo(f"{user.name} ({user.email}) is logged out everywhere.")
    else:
        sessions.end_all_of_everyone()
        click.echo("Everyone is logged out everywhere.")


def _account(slug: str) -> Account:
    found = accounts.find(slug)
    if found is None:
        there = ", ".join(account.slug for account in accounts.all_accounts()) or "none"
        raise click.ClickException(f"There is no account {slug!r}. Existing accounts: {there}.")
    return found


def _user(email: str, what_to_do: str = "") -> User:
    found = profiles.find(email)
    if found is None:
        raise click.ClickException(
            f"Nobody has a profile with the address {email}. {what_to_do}".strip()
        )
    return found
