"""All connections to the mail server, in one thread: a slow server never blocks the others."""

import selectors
import time

from invites.core.settings import MailServer
from invites.mail.builder import Message
from invites.outbox import throttle
from invites.sending.connector import Connector
from invites.sending.dispatcher import Dispatcher
from invites.sending.smtp_session import SmtpSession
from invites.sending.smtp_transaction import Awaits

_KEEP_IDLE = 2.0  # seconds for which an idle connection stays open
_SEARCH_EVERY = 0.05  # seconds between searches for mail, while connections are idle
_READ_WRITE = selectors.EVENT_READ | selectors.EVENT_WRITE


class ConnectionPool:
    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._sessions: list[SmtpSession] = []
        self._connector = Connector()
        self._closed: list[Exception | None] = []
        self._searched_at = 0.0
        self._max_connections = throttle.MAX_CONNECTIONS
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._connector, selectors.EVENT_READ)

    def close(self) -> None:
        """Closes all connections. Mail being sent stays *sending*; the next worker recovers it."""
        for session in self._sessions:
            session.socket.close()
        self._selector.close()
        self._connector.close()

    def __len__(self) -> int:
        """Open connections, and those being opened."""
        return len(self._sessions) + len(self._connector)

    def all_have_sent(self) -> bool:
        return not self._connector and all(session.accepted for session in self._sessions)

    def any_has_sent(self) -> bool:
        return any(session.accepted for session in self._sessions)

    def is_busy(self) -> bool:
        """Whether a connection is open, or an outcome isn't committed."""
        return bool(self._sessions) or self._dispatcher.has_outcomes()

    def connect(self, mail_server: MailServer, sender: str) -> None:
        """Begins to open a connection, and returns at once. ``sender``: of the envelopes."""
        self._connector.begin(mail_server, sender)

    def is_stuck(self, seconds: float) -> bool:
        """Whether no connection is open, although the last one was begun ``seconds`` ago."""
        return not self._sessions and self._connector.seconds_since_last() > seconds

    def shut_down(self, deadline: float) -> None:
        """Finishes the current messages and quits. ``deadline``: on ``time.monotonic()``."""
        self.limit(0)
        for session in self._sessions:
            session.socket.shorten_deadline(deadline)

    def limit(self, connections: int) -> None:
        """Surplus connections quit after their current message."""
        self._max_connections = connections

    def run_once(self, timeout: float) -> list[Exception | None]:
        """Waits up to ``timeout`` seconds for a connection to continue, then serves all that can.

        Returns how connections ended: None for a normal end, ServerUnavailable, or an exception
        caused by a bug. Raises PeeweeException without losing anything; the next call continues.
        """
        self._transfer(self._select_timeout(timeout))
        self._end_overdue()
        # No text is sent before the outcome of the connection's previous message is committed.
        self._dispatcher.store_outcomes()
        self._hand_out()
        self._dispatcher.maintain()
        closed, self._closed = self._closed, []
        return closed

    def _select_timeout(self, timeout: float) -> float:
        awaited = {session.awaits for session in self._sessions}
        if Awaits.COMMIT in awaited or self._dispatcher.has_outcomes():
            return 0.0
        if Awaits.MESSAGE in awaited:
            return min(timeout, max(0.0, self._searched_at + _SEARCH_EVERY - time.monotonic()))
        return timeout

    def _transfer(self, timeout: float) -> None:
        for key, _events in self._selector.select(timeout):
            session: SmtpSession | None = key.data
            if session is None:
                self._add_opened()
                continue
            session.socket.transfer()
            # An idle session quits: a server sends it something only when it closes the connection.
            if session.awaits is not Awaits.COMMIT and session.socket.has_input:
                self._resume(session)
            else:
                self._watch(session)

    def _end_overdue(self) -> None:
        for session in list(self._sessions):
            if session.awaits is Awaits.REPLY and session.socket.end_if_overdue():
                self._resume(session)

    def _add_opened(self) -> None:
        for opened in self._connector.results():
            if isinstance(opened, Exception):
                self._closed.append(opened)
            else:
                self._sessions.append(opened)
                self._selector.register(opened.socket.sock, opened.watched_events, opened)
                self._searched_at = 0.0

    def _hand_out(self) -> None:
        """Gives the next message, if any, to each session that can continue."""
        surplus = self._sessions[self._max_connections :]
        has_more = True
        for session in self._ready():
            message = None
            if has_more and session not in surplus:
                message = self._dispatcher.next_message()
                has_more = message is not None
            if message or session.awaits is Awaits.COMMIT or self._is_over(session, surplus):
                self._resume(session, message)
        if not has_more and self._dispatcher.has_outcomes():
            self._searched_at = 0.0  # many mails couldn't be sent, others may be

    def _ready(self) -> list[SmtpSession]:
        found = [session for session in self._sessions if session.awaits is Awaits.COMMIT]
        if time.monotonic() - self._searched_at > _SEARCH_EVERY:
            self._searched_at = time.monotonic()
            found += [session for session in self._sessions if session.awaits is Awaits.MESSAGE]
        return found

    def _is_over(self, session: SmtpSession, surplus: list[SmtpSession]) -> bool:
        is_idle = time.monotonic() - session.waiting_since > _KEEP_IDLE
        return is_idle or session in surplus or session.socket.has_input

    def _resume(self, session: SmtpSession, message: Message | None = None) -> None:
        error: Exception | None = None
        try:
            session.resume(message)
        except Exception as caught:
            error = caught
        self._dispatcher.add_outcomes(session.outcomes)
        session.outcomes.clear()
        if session.awaits is not None:
            self._watch(session)
            return
        self._dispatcher.return_unsent(session.unsent)
        self._selector.unregister(session.socket.sock)
        self._sessions.remove(session)
        self._closed.append(error)

    def _watch(self, session: SmtpSession) -> None:
        """Waits for reads, and for writes while output is buffered."""
        events = _READ_WRITE if session.socket.waits_to_send else selectors.EVENT_READ
        if session.watched_events != events:
            session.watched_events = events
            self._selector.modify(session.socket.sock, events, session)
