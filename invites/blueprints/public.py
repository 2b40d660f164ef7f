"""The start page and the health check."""

from flask import Blueprint, Response, jsonify, request, url_for
from peewee import PeeweeException
from werkzeug.wrappers import Response as AnyResponse

from invites import db
from invites.db.health import disk_is_low, monitor
from invites.members import installation
from invites.members.installation import BackupState
from invites.outbox import heartbeat
from invites.web.access import Who, allow
from invites.web.login import visitor
from invites.web.responses import go
from invites.web.services import now, services

blueprint = Blueprint("public", __name__)


@blueprint.get("/")
@allow(Who.ANYBODY)
def start() -> AnyResponse:
    if not installation.is_set_up():
        return go(url_for("setup.page"))
    return go(url_for("account_list.index" if visitor() else "login.form"))


@blueprint.get("/healthz")
@allow(Who.ANYBODY)
def healthz() -> tuple[Response, int]:
    """Status 503 if the database or the worker doesn't work.

    Everybody gets the overall status; programs on this machine also get the state of each part.
    """
    fault = monitor.fault()
    health: dict[str, str] = {"database": fault or "ok", "disk": "low" if disk_is_low() else "ok"}
    try:
        health["worker"] = "ok" if heartbeat.worker_is_running(now()) else "not seen"
        waits = services().settings.mail_server and heartbeat.outage()
        health["mail"] = "waits" if waits else "ok"
        health["backup"] = installation.last_backup(now()).state
    except PeeweeException as error:
        health["database"] = fault or db.fault_of(error) or db.Fault.FAILED
        health |= dict.fromkeys(("worker", "mail", "backup"), "unknown")
    works = health["database"] == health["worker"] == "ok"
    is_fine = works and {*health.values()} <= {"ok", BackupState.NONE}
    status = {"status": "ok" if is_fine else "attention" if works else "failed"}
    return jsonify(status | (health if _is_asked_here() else {})), 200 if works else 503


def _is_asked_here() -> bool:
    """Whether the request comes from this machine, and not through a proxy on it."""
    is_local = request.remote_addr in ("127.0.0.1", "::1")
    return is_local and "X-Forwarded-For" not in request.headers
