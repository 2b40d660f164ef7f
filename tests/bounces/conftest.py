"""Fixtures for mailboxes with TLS."""

from tests.support.smtp_fixtures import tls

__all__ = ["tls"]
