"""Builds the application: settings → database → services → templates → commands → pages."""

from flask import Flask

from invites import db
from invites.cli import commands
from invites.core.bundled import bundled
from invites.core.secret_key import load_secret_keys
from invites.core.settings import Settings, load_settings
from invites.core.tokens import Signer
from invites.mail.rendering import MailContext
from invites.members.links import Links
from invites.people import sessions
from invites.web import services, templates


def create_app(settings: Settings | None = None, *, has_pages: bool = True) -> Flask:
    """Raises SettingsError. Writes nothing to the disk before the first request.

    Without pages, commands start sooner and the mail worker takes less memory.
    """
    settings = settings or load_settings()
    app = Flask(
        "invites",
        template_folder=str(bundled("templates")),
        static_folder=None,  # static_files.py serves it
    )
    keys = load_secret_keys(settings.data)
    _configure(app, settings, keys)
    db.configure(settings.database, folder=settings.data)
    _add_services(app, settings, keys)
    templates.init_app(app)
    commands.register(app)
    if has_pages:
        from invites import pages  # imports all views, and libraries that only they need

        pages.init_app(app, settings)
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
        WTF_CSRF_TIME_LIMIT=None,  # valid as long as the session
        WTF_CSRF_SSL_STRICT=False,  # needs a Referer; access.py checks Sec-Fetch-Site
    )


def _add_services(app: Flask, settings: Settings, keys: list[str]) -> None:
    signer = Signer(keys)
    links = Links(settings.base_url, signer)
    mail_context = MailContext(settings.mail_from, links)
    services.init_app(app, services.Services(settings, signer, links, mail_context))
