"""What all commands share: errors end a command with one line instead of a traceback."""

from collections.abc import Callable
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from invites import db
from invites.cli import readiness
from invites.core.errors import RuleError
from invites.core.setting_values import SettingsError
from invites.db import NotReadyError
from invites.web.error_labels import sentence
from invites.web.services import services


def command(function: Callable[..., Any]) -> click.Command:
    """A ``flask`` command, named after the function."""
    return click.command(cls=_Command)(with_appcontext(function))


class _Command(click.Command):
    def invoke(self, ctx: click.Context) -> Any:
        """Turns expected errors into a ClickException."""
        try:
            return super().invoke(ctx)
        except (NotReadyError, SettingsError, OSError) as error:
            raise click.ClickException(describe(error)) from None
        except db.ERRORS as error:
            if db.fault_of(error) is None:
                raise
            raise click.ClickException(db.explain(error)) from None


def ready_database() -> None:
    """Raises NotReadyError when the database or the key can't be used."""
    readiness.check(services().settings)
    db.connect()


def describe(error: NotReadyError | SettingsError | OSError) -> str:
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return str(error)


def error_text(refused: RuleError) -> str:
    with current_app.test_request_context():
        return sentence(refused)
