"""An account's audit log, as a page and as a CSV file."""

from collections.abc import Iterable, Iterator

from flask import Blueprint, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.authorization import audit_log
from invites.authorization.audit_log import AuditCategory
from invites.authorization.permissions import Action
from invites.models import AuditEntry
from invites.web import audit_labels
from invites.web.access import allow, current
from invites.web.csv_export import csv_file
from invites.web.list_capacity import limit_exports
from invites.web.responses import show

blueprint = Blueprint("audit_log", __name__, url_prefix="/accounts/<slug>/audit-log")


@blueprint.get("")
@allow(Action.SEE_AUDIT_LOG)
def page() -> Response:
    category, search = _filter()
    return show(
        "audit_log/page.html",
        fragment="audit_log/_audit_log_list.html",
        found=current().scope.audit_log(category, search, request.args.get("page", 1, type=int)),
        search=search,
        chosen=category or "",
        sentence=audit_labels.sentence,
    )


@blueprint.get("/audit-log.csv")
@allow(Action.SEE_AUDIT_LOG)
@limit_exports
def export() -> Response:
    """Exports all pages of the entries that match the filter."""
    category, search = _filter()
    found = audit_log.entries(current().account, category, search)
    return csv_file("audit-log.csv", _lines(found.iterator()))  # otherwise peewee keeps all rows


def _lines(found: Iterable[AuditEntry]) -> Iterator[tuple[str, ...]]:
    yield _("Time (UTC)"), _("Who"), _("Email"), _("What"), _("Affected person")
    for entry in found:
        when = entry.created_at.strftime("%Y-%m-%d %H:%M:%S")
        who = (entry.actor.name, entry.actor.email) if entry.actor else ("", "")
        yield when, *who, audit_labels.sentence(entry), entry.details.get("email", "")


def _filter() -> tuple[AuditCategory | None, str]:
    category = request.args.get("status", "")
    search = request.args.get("search", "").strip()[:254]
    return AuditCategory(category) if category in set(AuditCategory) else None, search
