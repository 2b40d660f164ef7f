"""How gunicorn serves Invites: one process, many threads.

One process, because the rate limits count in memory; threads, because pages
mostly wait for SQLite, which releases the interpreter lock.
"""

import sys
from typing import Any

from invites import db
from invites.settings import load_settings

_settings = load_settings()

bind = _settings.bind
workers = 1
threads = 32
worker_class = "gthread"
timeout = 60  # seconds; a file of 20 MB over a slow line is no hang
graceful_timeout = 20
control_socket_disable = True
# The access log would hold the tokens of mailed links.
accesslog = None


def on_starting(_server: Any) -> None:
    """Refuse an old schema before the port opens."""
    db.configure(_settings.database_path)
    try:
        db.refuse_old_schema()
    except db.OldSchemaError as error:
        sys.exit(str(error))
