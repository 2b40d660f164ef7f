"""How many connections are opened, and how soon after a failure."""

import logging

from invites.sending.backoff import Backoff
from invites.sending.connection_pool import ConnectionPool
from invites.sending.smtp_replies import ServerUnavailable

# Seconds
_OUTAGE_PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0)  # until the mail server is tried again
_REFUSAL_PAUSES = (2.0, 5.0, 15.0, 60.0)  # until another connection is tried
_CONNECT_HANGS = 5.0  # after which another connection is tried

log = logging.getLogger("invites.sending.worker")


class ConnectionPolicy:
    """``outage``: why the mail server can't be used, or ""."""

    def __init__(self) -> None:
        self.outage = ""
        self._outage_backoff = Backoff()
        self._refusal_backoff = Backoff()
        self._open_when_refused = 0  # connections

    def wanted(self, pool: ConnectionPool) -> int:
        """How many more to open, if mail is due: four times as many, once all of them work."""
        if self._outage_backoff.is_on():
            return 0
        if not len(pool) or pool.is_stuck(_CONNECT_HANGS):
            return 1
        if not pool.all_have_sent():
            return 0
        if len(pool) > self._open_when_refused:
            self._refusal_backoff.end()
        return 0 if self._refusal_backoff.is_on() else 3 * len(pool)

    def end_outage(self) -> None:
        self.outage = ""
        self._outage_backoff.end()

    def handle_closed(self, pool: ConnectionPool, error: Exception | None) -> None:
        """``error``: how a connection ended, see ``ConnectionPool.run_once``."""
        if error is None:
            return
        if not isinstance(error, ServerUnavailable):
            log.error("a bug in the mail worker", exc_info=error)
            self._begin_outage("The mail worker has a bug. The log has the details.")
        elif pool.any_has_sent():
            # The server works, but not with so many connections.
            self._refusal_backoff.begin(_REFUSAL_PAUSES)
            self._open_when_refused = len(pool)
        else:
            self._begin_outage(str(error))

    def _begin_outage(self, reason: str) -> None:
        self.outage = reason
        self._outage_backoff.begin(_OUTAGE_PAUSES)
        log.warning("mail waits: %s", reason)
