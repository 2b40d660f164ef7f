"""Adds the pages to the application: what they share in ``web``, then one blueprint for each."""

import logging

from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from invites import blueprints, db
from invites.cli import readiness
from invites.core.settings import Settings
from invites.db import NotReadyError
from invites.web import (
    access,
    error_pages,
    fault_pages,
    form_limits,
    list_capacity,
    login,
    mailed_links,
    rate_limits,
    responses,
    security_headers,
    session_cookie,
    static_files,
    template_context,
    urls,
)

log = logging.getLogger("invites.web")

# Requests pass through in this order, responses in reverse.
_PARTS = (
    form_limits,
    list_capacity,
    urls,
    session_cookie,
    login,
    static_files,
    access,
    mailed_links,
    responses,
    rate_limits,
    template_context,
    security_headers,
    error_pages,
    fault_pages,
)


def init_app(app: Flask, settings: Settings) -> None:
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask documents it
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    _open_database(app, settings)
    for part in _PARTS:
        part.init_app(app)
    blueprints.register(app)


def _open_database(app: Flask, settings: Settings) -> None:
    @app.before_request
    def _connect() -> None:
        if session_cookie.is_same_for_all():
            return
        if not app.config.get("IS_READY"):
            readiness.check(settings)
            if not app.secret_key:
                raise NotReadyError(
                    "The secret key was created after this process started. Restart it."
                )
            app.config["IS_READY"] = True
        db.connect()

    @app.errorhandler(NotReadyError)
    def _refuse(error: NotReadyError) -> Response:
        log.error("%s", error)
        answer = "Invites can't start. The reason is in its log.\n"
        return Response(answer, status=503, mimetype="text/plain")

    @app.teardown_request
    def _close(_error: BaseException | None) -> None:
        db.close()
