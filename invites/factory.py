"""Builds the application: settings → database → extensions → blueprints → commands."""

import logging

from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from invites import blueprints, db
from invites.cli import commands, readiness
from invites.core.secret_key import load_secret_keys
from invites.core.settings import PROJECT_ROOT, Settings, load_settings
from invites.core.tokens import Signer
from invites.db import NotReadyError
from invites.mail.rendering import MailContext
from invites.members.links import Links
from invites.people import sessions
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
    services,
    session_cookie,
    static_files,
    template_context,
    urls,
)

log = logging.getLogger("invites.web")

# Requests pass through in this order: access is checked before the rate limits count. Responses
# pass through in reverse: ``responses`` can replace the Retry-After of the rate limits.
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


def create_app(settings: Settings | None = None) -> Flask:
    """Raises SettingsError. Writes nothing to the disk before the first request."""
    settings = settings or load_settings()
    app = Flask(
        "invites",
        template_folder=str(PROJECT_ROOT / "templates"),
        static_folder=None,  # static_files.py serves it
    )
    keys = load_secret_keys(settings.data)
    _configure(app, settings, keys)
    _open_database(app, settings)
    _add_services(app, settings, keys)
    for part in _PARTS:
        part.init_app(app)
    blueprints.register(app)
    commands.register(app)
    return app


def _configure(app: Flask, settings: Settings, keys: list[str]) -> None:
    app.config.update(
        SECRET_KEY=keys[0] if keys else None,  # without a key nothing is served
        SECRET_KEY_FALLBACKS=keys[1:],
        SESSION_COOKIE_NAME="__Host-invites" if settings.is_https else "invites",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=sessions.IDLE_TIMEOUT,
        WTF_CSRF_CHECK_DEFAULT=False,  # access.py checks the form token
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # needs a Referer; access.py checks Sec-Fetch-Site
        RATELIMIT_HEADERS_ENABLED=True,
        MAIL_SUPPRESS_SEND=False,
    )
    if settings.mail_server is not None:
        app.config.update(
            MAIL_SERVER=settings.mail_server.host,
            MAIL_PORT=settings.mail_server.port,
            MAIL_USERNAME=settings.mail_server.username,
            MAIL_PASSWORD=settings.mail_server.password,
            MAIL_USE_TLS=settings.mail_server.use_tls,
            MAIL_USE_SSL=settings.mail_server.use_ssl,
            MAIL_DEFAULT_SENDER=settings.mail_from.addr_spec,
        )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask documents it
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def _open_database(app: Flask, settings: Settings) -> None:
    db.configure(settings.database_path)

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


def _add_services(app: Flask, settings: Settings, keys: list[str]) -> None:
    signer = Signer(keys)
    links = Links(settings.base_url, signer)
    mail_context = MailContext(settings.mail_from, links)
    services.init_app(app, services.Services(settings, signer, links, mail_context))
