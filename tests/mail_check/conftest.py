"""Fixtures for applications and their mail servers."""

from tests.support.smtp_fixtures import mailing_app, smtp_server, stopped_smtp_server, tls

__all__ = ["mailing_app", "smtp_server", "stopped_smtp_server", "tls"]
