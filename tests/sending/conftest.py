"""Workers, and the mail servers that they talk to."""

from tests.support.smtp_fixtures import (
    closed_office,
    mailing_app,
    make_worker,
    now,
    office,
    running,
    sender,
    server,
    tls,
    worker,
)

__all__ = [
    "closed_office",
    "mailing_app",
    "make_worker",
    "now",
    "office",
    "running",
    "sender",
    "server",
    "tls",
    "worker",
]
