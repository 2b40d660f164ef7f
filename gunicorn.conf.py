"""How gunicorn serves Invites: one process, many threads.

One process, because the rate limits count in memory; threads, because pages
mostly wait for SQLite, which releases the interpreter lock.
"""

import gc
import logging
import sys
from contextlib import ExitStack
from typing import Any

from invites import db
from invites.cli import readiness
from invites.core.settings import SettingsError, load_settings
from invites.db import NotReadyError

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

try:
    _settings = load_settings()
except SettingsError as error:
    sys.exit(f"Error: {error}")

bind = _settings.bind
workers = 1
threads = 32
worker_class = "gthread"
# A process whose main loop is silent for so long is replaced. Threads are not
# watched: a slow client holds one for as long as it likes, which is why a
# proxy that buffers has to stand in front.
timeout = 60
graceful_timeout = 20
control_socket_disable = True
# The access log would hold the tokens of mailed links.
accesslog = None


def post_worker_init(_worker: Any) -> None:
    """Let pages go quickly beside somebody whose list of 50,000 is being read."""
    gc.freeze()  # what is loaded by now stays: no collection need look at it again
    sys.setswitchinterval(0.001)  # seconds until a thread that is busy lets another one go on


def on_starting(server: Any) -> None:
    """Refuse what can't be served before the port opens, and tell restores that we run."""
    db.configure(_settings.database_path)
    try:
        readiness.check(_settings)
        server.until_the_end = ExitStack()  # the server outlives this module when it reloads
        server.until_the_end.enter_context(readiness.hold(_settings))
    except (NotReadyError, SettingsError) as error:
        sys.exit(f"Error: {error}")
    for warning in _settings.warnings:
        server.log.warning(warning)
