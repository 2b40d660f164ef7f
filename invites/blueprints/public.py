"""The start page and the health check."""

from flask import Blueprint, Response, jsonify, url_for
from peewee import PeeweeException
from werkzeug.wrappers import Response as AnyResponse

from invites.members import installation
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
        return go(url_for("setup.form"))
    return go(url_for("account_list.index" if visitor() else "login.form"))


@blueprint.get("/healthz")
@allow(Who.ANYBODY)
def healthz() -> tuple[Response, int]:
    """Status 503 if database or worker fails. The body says which."""
    try:
        worker = heartbeat.worker_is_running(now())
        health = {
            "database": "ok",
            "worker": "ok" if worker else "not seen",
            "mail": "waits" if services().settings.mail_server and heartbeat.outage() else "ok",
        }
        return jsonify(health), 200 if worker else 503
    except PeeweeException:
        return jsonify({"database": "failed", "worker": "unknown", "mail": "unknown"}), 503
