"""The list of the flask commands."""

from flask import Flask

from invites.cli.bounces import bounces
from invites.cli.database import backup, migrate, restore
from invites.cli.demo import demo
from invites.cli.report_failure import report_failure
from invites.cli.rescue import disable_two_step, log_out, rescue_owner
from invites.cli.serve import serve, worker
from invites.cli.setup import setup, version, welcome


def register(app: Flask) -> None:
    for command in (
        *(version, migrate, setup, welcome, serve, worker, backup, restore),
        *(bounces, report_failure, rescue_owner, disable_two_step, log_out, demo),
    ):
        app.cli.add_command(command)
