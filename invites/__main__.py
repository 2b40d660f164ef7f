"""The command ``invites``: the ``flask`` commands of Invites, without Flask's own, and ``run``."""

import os
import subprocess
import sys

import click
from flask.cli import ScriptInfo

from invites.core.setting_values import SettingsError
from invites.factory import create_app


def main() -> None:
    try:
        app = create_app(has_pages=False)
    except SettingsError as error:
        sys.exit(f"Error: {error}")
    app.cli.add_command(run)
    app.cli.main(prog_name="invites", obj=ScriptInfo(create_app=lambda: app))


@click.command
def run() -> None:
    """Create or upgrade the database, then serve until stopped."""
    # Processes of their own: this one read the secret key before there was one.
    itself = [sys.executable, "-m", "invites"]
    migrated = subprocess.run([*itself, "migrate"], check=False)  # noqa: S603  # fixed arguments
    if migrated.returncode:
        sys.exit(migrated.returncode)
    os.execv(itself[0], [*itself, "serve"])  # noqa: S606  # fixed arguments; signals reach it


if __name__ == "__main__":
    main()
