"""The flask commands. Each is imported when it is used, so the worker loads only its own."""

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

_MODULES = {
    "backup": "database",
    "copy-database": "database",
    "bounces": "bounces",
    "demo": "demo",
    "disable-two-step": "rescue",
    "doctor": "doctor",
    "log-out": "rescue",
    "migrate": "database",
    "report-failure": "report_failure",
    "rescue-owner": "rescue",
    "restore": "database",
    "serve": "serve",
    "setup": "setup",
    "version": "setup",
    "welcome": "setup",
    "worker": "worker",
}


def register(app: Flask) -> None:
    app.cli = _Commands()


class _Commands(AppGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_MODULES, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _MODULES:
            return super().get_command(ctx, name)
        module = import_module(f"invites.cli.{_MODULES[name]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command
