"""Fixtures for workers and their mail servers."""

from tests.support.disks import disk
from tests.support.smtp_fixtures import (
    clock,
    mailing_app,
    make_worker,
    now,
    running,
    sender,
    server,
    smtp_server,
    stopped_smtp_server,
    tls,
    worker,
)

__all__ = [
    "clock",
    "disk",
    "mailing_app",
    "make_worker",
    "now",
    "running",
    "sender",
    "server",
    "smtp_server",
    "stopped_smtp_server",
    "tls",
    "worker",
]
