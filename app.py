"""The application, for gunicorn and for the ``flask`` commands."""

import sys

import click
from flask.cli import FlaskGroup

from invites.core.setting_values import SettingsError
from invites.factory import create_app


def _is_for_a_command() -> bool:
    """Whether ``flask`` looks for one of our commands. Its own, such as ``routes``, need pages."""
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)


try:
    app = create_app(has_pages=not _is_for_a_command())
except SettingsError as error:
    sys.exit(f"Error: {error}")
