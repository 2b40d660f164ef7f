"""What the templates of all pages can use: the person, the account, labels, icons, times."""

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
from flask import Flask, g
from flask_babel import gettext as _
from lucide.jinja import lucide

from invites import __version__
from invites.authorization.permissions import Action
from invites.core import addresses
from invites.core.roles import Role
from invites.lists import entries, table
from invites.members import accounts
from invites.members.installation import BackupState
from invites.models import (
    Account,
    BatchState,
    DeliveryState,
    EmailTokenPurpose,
    EntryOutcome,
    InvitationState,
    InvitationStatus,
)
from invites.people import email_tokens, passwords
from invites.web import error_labels, labels
from invites.web.access import AccountContext, account_context
from invites.web.htmx import wants_fragment
from invites.web.login import visitor
from invites.web.mailed_links import mailed_link
from invites.web.responses import notice_context
from invites.web.services import now, services
from invites.web.templates import time_zone

_NAMES = {
    "Action": Action,
    "BackupState": BackupState,
    "BatchState": BatchState,
    "DeliveryState": DeliveryState,
    "EntryOutcome": EntryOutcome,
    "InvitationState": InvitationState,
    "Role": Role,
    "InvitationStatus": InvitationStatus,
    "MAX_FILE_BYTES": table.MAX_BYTES,
    "MAX_ROWS": entries.MAX_ENTRIES,
    "VERSION": __version__,
    "MIN_PASSWORD": passwords.MIN_LENGTH,
    "RESET_HOURS": email_tokens.lifetime_hours(EmailTokenPurpose.RESET_PASSWORD),
    "error_labels": error_labels,
    "labels": labels,
    "icon": lucide,
}


def init_app(app: Flask) -> None:
    """Adds names and filters to the templates of pages."""
    app.jinja_env.globals.update(_NAMES)
    app.jinja_env.filters.update(
        moment=moment,
        day=day,
        stamp=stamp,
        masked=addresses.masked,
        number=flask_babel.format_decimal,
    )
    app.context_processor(_template_context)


def moment(at: datetime) -> str:
    """For example ``18:05`` today, ``yesterday``, or ``2 Oct 2026``."""
    zone = ZoneInfo(time_zone())
    days = (now().astimezone(zone).date() - at.astimezone(zone).date()).days
    if days == 0:
        return str(flask_babel.format_time(at, "HH:mm"))
    if days == 1:
        return _("yesterday")
    return day(at)


def day(at: datetime, account: Account | None = None) -> str:
    """For example ``2 Oct 2026``, in the time zone of ``account`` or of this request's account."""
    zone = ZoneInfo(account.time_zone if account else time_zone())
    return str(flask_babel.format_date(at.astimezone(zone), "d MMM y", rebase=False))


def stamp(at: datetime) -> str:
    """For example ``2 Oct 2026, 18:05``."""
    return str(flask_babel.format_datetime(at, "d MMM y, HH:mm"))


def _template_context() -> dict[str, Any]:
    who = visitor()
    current: AccountContext | None = g.get("current")
    my_memberships = cache(lambda: accounts.memberships_of(who.user) if who else [])
    return {
        "person": who.user if who else None,
        "current": current,
        "my_memberships": my_memberships,
        "account_context": lambda: account_context(my_memberships()),
        "has_mail_server": services().settings.mail_server is not None,
        "is_fragment": wants_fragment,
        "mailed_link": mailed_link(),
        "now": now(),
        **notice_context(),
    }
