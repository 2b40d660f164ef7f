"""These tests happen in the present."""

from tests.support.smtp_fixtures import now, tls

__all__ = ["now", "tls"]
