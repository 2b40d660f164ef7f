"""Fixtures for mail that is sent. These tests use the real time."""

from tests.support.smtp_fixtures import (
    mailing_app,
    make_worker,
    now,
    smtp_server,
    stopped_smtp_server,
    worker,
)

__all__ = ["mailing_app", "make_worker", "now", "smtp_server", "stopped_smtp_server", "worker"]
