"""These tests happen in the present."""

from tests.support.smtp_fixtures import now

__all__ = ["now"]
