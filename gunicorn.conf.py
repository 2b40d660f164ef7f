"""How gunicorn serves Invites: one process, many threads.

One process, because the rate limits count in memory. Threads, because pages mostly wait for SQLite,
which releases the interpreter lock.
"""

import gc
import logging
import sys
from contextlib import ExitStack
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders

from invites import db
from invites.cli import readiness
from invites.cli.ports import refuse_taken
from invites.core.setting_values import SettingsError
from invites.core.settings import load_settings
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
# Seconds. Gunicorn replaces a process whose main loop hangs for this long, but doesn't watch the
# threads. Slow clients occupy them, so a buffering proxy is needed in front.
timeout = 60
graceful_timeout = 20
control_socket_disable = True
# The access log would contain the tokens of mailed links.
accesslog = None

_MAX_HEADERS = 32 * 1024  # bytes per request; gunicorn itself allows 25 times as much


def pre_request(_worker: Any, request: Any) -> None:
    """Refuses large headers, because reading them takes up to 250 times their size in memory."""
    if sum(len(name) + len(value) for name, value in request.headers) > _MAX_HEADERS:
        raise LimitRequestHeaders(f"more than {_MAX_HEADERS} bytes")


def pre_fork(_server: Any, _worker: Any) -> None:
    gc.freeze()  # garbage collection would write to memory that both processes share


def post_worker_init(_worker: Any) -> None:
    """Keeps pages quick while a list of 50,000 rows is being read."""
    gc.freeze()  # the collector can skip modules that are loaded by now
    sys.setswitchinterval(0.001)  # seconds a busy thread runs before another one may


def on_starting(server: Any) -> None:
    """Refuses to start if Invites isn't ready. Holds the locks until the server ends."""
    db.configure(_settings.database, folder=_settings.data)
    server.until_the_end = ExitStack()  # the server outlives this module when it reloads
    try:
        with db.file_errors():
            server.until_the_end.enter_context(readiness.service(_settings))
            server.until_the_end.enter_context(readiness.only_web_server(_settings))
        refuse_taken(_settings.bind)
    except (NotReadyError, SettingsError) as error:
        sys.exit(f"Error: {error}")
    for warning in readiness.warnings(_settings):
        server.log.warning(warning)
