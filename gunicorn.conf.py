"""How gunicorn serves Invites: one process, many threads.

One process, because the rate limits count in memory; threads, because pages
mostly wait for SQLite, which releases the interpreter lock.
"""

from invites.settings import load_settings

_settings = load_settings()

bind = _settings.bind
workers = 1
threads = 32
worker_class = "gthread"
# Two mail clicks may take seconds on a slow disk; half a minute is a hang.
timeout = 30
graceful_timeout = 20
control_socket_disable = True
# The access log would hold the tokens of mailed links.
accesslog = None
