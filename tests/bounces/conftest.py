"""What mailboxes that speak TLS need."""

from tests.support.smtp_fixtures import tls

__all__ = ["tls"]
