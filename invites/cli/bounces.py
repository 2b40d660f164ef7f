"""The command flask bounces: processes delivery reports."""

import signal
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from flask.cli import with_appcontext
from peewee import PeeweeException

from invites import db
from invites.bounces import mailboxes
from invites.bounces.mailboxes import MailboxError, ReceivedMessage
from invites.bounces.matching import ReportOutcome, ReportResult, process
from invites.bounces.message_parts import MAX_SIZE
from invites.core.clock import utcnow
from invites.db import schema
from invites.web.services import services

_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: tells a mail server to keep the message and try later


class TryAgain(click.ClickException):
    """A temporary failure: the mail server should keep the message and try again later."""

    exit_code = _TRY_AGAIN


@click.command()
@click.option(
    "--maildir", type=click.Path(file_okay=False, path_type=Path), help="Read a Maildir folder."
)
@click.option("--mbox", type=click.Path(dir_okay=False, path_type=Path), help="Read an mbox file.")
@click.option("--imap", is_flag=True, help="Read the IMAP folder set by INVITES_BOUNCES_IMAP_*.")
@click.option("--delete", is_flag=True, help="Delete messages instead of marking them as read.")
@click.option("--verbose", is_flag=True, help="Print the result for each message and the reason.")
@with_appcontext
def bounces(
    maildir: Path | None, mbox: Path | None, imap: bool, delete: bool, verbose: bool
) -> None:
    """Process bounces: one message from standard input, or the unread ones in a mailbox."""
    if sum(map(bool, (maildir, mbox, imap))) > 1:
        raise click.UsageError("Choose one of --maildir, --mbox and --imap.")
    with _exiting_cleanly_on_sigterm():
        if maildir:
            _read_mailbox(mailboxes.maildir(maildir, delete=delete), str(maildir), verbose)
        elif mbox:
            _read_mailbox(mailboxes.mbox(mbox, delete=delete), str(mbox), verbose)
        elif imap:
            server = services().settings.bounce_mailbox
            if server is None:
                raise click.UsageError("--imap needs INVITES_BOUNCES_IMAP_SERVER.")
            where = f"{server.host}:{server.port}"
            _read_mailbox(mailboxes.imap(server, delete=delete), where, verbose)
        elif delete:
            raise click.UsageError("--delete needs --maildir, --mbox or --imap.")
        else:
            _read_one(verbose)


@contextmanager
def _exiting_cleanly_on_sigterm() -> Iterator[None]:
    """On SIGTERM, raises TryAgain, so that locks are released and the mailbox is saved."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # ignore further signals
        raise TryAgain("Stopped on request. The other messages will be read next time.")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _read_one(verbose: bool) -> None:
    raw = sys.stdin.buffer.read(MAX_SIZE)
    while sys.stdin.buffer.read(MAX_SIZE):
        pass  # the mail server would take unread input for a failure
    found = _process_all(iter([ReceivedMessage(raw, lambda: None)]), verbose)
    if found[ReportOutcome.TOO_EARLY]:
        raise TryAgain("The email that bounced is still being sent.")


def _read_mailbox(
    messages: Generator[ReceivedMessage, None, None], where: str, verbose: bool
) -> None:
    try:
        with mailboxes.mailbox_errors(where), closing(messages):
            _process_all(messages, verbose)
    except MailboxError as error:
        raise click.ClickException(str(error)) from None


def _process_all(messages: Iterator[ReceivedMessage], verbose: bool) -> Counter[ReportOutcome]:
    found: Counter[ReportOutcome] = Counter()
    with _database():
        try:
            for message in messages:
                result = _process(message)
                found[result.outcome] += 1
                if verbose:
                    click.echo(f"message {found.total()}: {_describe(result)}")
        except Exception:
            if found:
                click.echo(_summary(found))  # what was processed before the error
            raise
    click.echo(_summary(found))
    return found


@contextmanager
def _database() -> Iterator[None]:
    """Turns database errors into TryAgain."""
    try:
        schema.refuse_unready()
        db.connect()
        yield
    except (db.NotReadyError, PeeweeException) as error:
        raise TryAgain(str(error)) from None


def _process(message: ReceivedMessage) -> ReportResult:
    result = process(message.raw, services().signer, utcnow())
    if result.outcome is not ReportOutcome.TOO_EARLY:
        message.done()
    return result


def _describe(result: ReportResult) -> str:
    """Contains no text from the message, which anybody could have sent."""
    delivery = result.delivery
    about = f" (email {delivery.id} to {delivery.recipient})" if delivery else ""
    return f"{result.outcome}, {result.reason}{about}"


def _summary(found: Counter[ReportOutcome]) -> str:
    total = found.total()
    parts = [f"{found[outcome]} {outcome}" for outcome in ReportOutcome if found[outcome]]
    told = f"{total} message{'' if total == 1 else 's'}"
    return f"{told}: {', '.join(parts)}" if parts else told
