"""Configures Jinja for pages and email: translation, time zone, strict attributes."""

from collections.abc import Mapping
from typing import Any

import flask_babel
from flask import Flask, g
from flask_babel import gettext as _
from jinja2 import Undefined
from jinja2.utils import missing

from invites.models import Account
from invites.web import sentences


class _StrictAttributes(Undefined):
    """Variables and keys may be missing in templates, but attributes of objects may not."""

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: str | None = None
    ) -> None:
        super().__init__(hint, obj, name)
        if obj is not missing and not isinstance(obj, Mapping):
            self._fail_with_undefined_error()


def init_app(app: Flask) -> None:
    sentences.init_app(app, timezone_selector=time_zone)
    app.jinja_env.undefined = _StrictAttributes
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["get_locale"] = flask_babel.get_locale
    app.jinja_env.filters["assignments_label"] = assignments_label


def time_zone() -> str:
    """The account's time zone; UTC on pages outside accounts.

    Invitation emails pass the account's zone themselves.
    """
    current = g.get("current")  # the account context, see access.py
    return str(current.account.time_zone) if current else "UTC"


def assignments_label(account: Account) -> str:
    """The account's own label, or the default."""
    return account.assignments_label or _("See your assignments")
