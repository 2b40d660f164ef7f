"""All connections to the mail server, in one thread: a slow server never blocks the others."""

import logging
import selectors
import time

import flask_mail
from peewee import PeeweeException

from invites.core.clock import utcnow
from invites.mail.builder import MailBuilder, Message
from invites.mail.bulk_template import UnsafeMailError
from invites.outbox import throttle
from invites.outbox.outcomes import Outcome
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, SendResult
from invites.sending.connector import Connector
from invites.sending.dispatcher import Dispatcher
from invites.sending.smtp_session import SmtpSession
from invites.sending.smtp_transaction import Awaits

_KEEP_IDLE = 2.0  # seconds for which an idle connection stays open
_SEARCH_EVERY = 0.05  # seconds between searches for mail, while connections are idle
_MAX_UNSENDABLE = 25  # mails in a row that can't be sent, after which outcomes are committed
_READ_WRITE = selectors.EVENT_READ | selectors.EVENT_WRITE

log = logging.getLogger("invites.sending.worker")


class ConnectionPool:
    def __init__(self, dispatcher: Dispatcher, builder: MailBuilder) -> None:
        self._dispatcher = dispatcher
        self._builder = builder
        self._sessions: list[SmtpSession] = []
        self._connector = Connector()
        self._closed: list[Exception | None] = []
        self._outcomes: list[Outcome] = []  # not committed yet
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
        return bool(self._sessions or self._outcomes)

    def connect(self, mail: flask_mail.Mail) -> None:
        """Begins to open a connection, and returns at once."""
        self._connector.begin(mail, self._builder.sender)

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
        # No message ends before the outcome of the previous one on its connection is committed.
        self._commit()
        self._hand_out()
        self._dispatcher.maintain()
        closed, self._closed = self._closed, []
        return closed

    def _select_timeout(self, timeout: float) -> float:
        if self._outcomes or any(session.awaits is Awaits.COMMIT for session in self._sessions):
            return 0.0
        if any(session.awaits is Awaits.MESSAGE for session in self._sessions):
            return min(timeout, max(0.0, self._searched_at + _SEARCH_EVERY - time.monotonic()))
        return timeout

    def _transfer(self, timeout: float) -> None:
        for key, _events in self._selector.select(timeout):
            session: SmtpSession | None = key.data
            if session is None:
                self._add_opened()
                continue
            session.socket.transfer()
            # A server sends something to an idle session only when it closes the connection.
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

    def _commit(self) -> None:
        if self._outcomes:
            self._dispatcher.record(self._outcomes)
            self._outcomes.clear()

    def _hand_out(self) -> None:
        """Gives the next message, if any, to each session that can continue."""
        surplus = self._sessions[self._max_connections :]
        for session in self._ready():
            message = None if session in surplus else self._next_message()
            if message or session.awaits is Awaits.COMMIT or self._is_over(session, surplus):
                self._resume(session, message)

    def _ready(self) -> list[SmtpSession]:
        found = [session for session in self._sessions if session.awaits is Awaits.COMMIT]
        if time.monotonic() - self._searched_at > _SEARCH_EVERY:
            self._searched_at = time.monotonic()
            found += [session for session in self._sessions if session.awaits is Awaits.MESSAGE]
        return found

    def _is_over(self, session: SmtpSession, surplus: list[SmtpSession]) -> bool:
        is_idle = time.monotonic() - session.waiting_since > _KEEP_IDLE
        return is_idle or session in surplus or session.socket.has_input

    def _next_message(self) -> Message | None:
        """None if no mail is due, or after many that can't be sent."""
        for _ in range(_MAX_UNSENDABLE):
            mail = self._dispatcher.take()
            if mail is None:
                return None
            message = self._build(mail)
            if message is not None:
                return message
        self._searched_at = 0.0  # search again after these are committed
        return None

    def _build(self, mail: QueuedMail) -> Message | None:
        """Returns None, and adds an outcome, for a mail that won't be sent."""
        message = None
        unsent = Attempt(SendResult.WITHDRAWN)
        try:
            message = self._builder.build(mail, utcnow())
        except UnsafeMailError:
            text = "The message has a control character in a header."
            unsent = Attempt(SendResult.FAILED, text=text)
        except PeeweeException:
            self._dispatcher.put_back(mail)
            raise
        except Exception:  # one broken mail must not block the others
            log.exception("mail %s can't be built", mail.id)
            text = "The message can't be created. The log says why."
            unsent = Attempt(SendResult.FAILED, text=text)
        if message is None:
            self._outcomes.append(Outcome(mail, unsent))
            self._dispatcher.rate_limit.uncount()
        return message

    def _resume(self, session: SmtpSession, message: Message | None = None) -> None:
        error: Exception | None = None
        try:
            session.resume(message)
        except Exception as caught:
            error = caught
        self._outcomes += session.outcomes
        session.outcomes.clear()
        if session.awaits is not None:
            self._watch(session)
            return
        for mail in session.unsent:
            self._dispatcher.put_back(mail)
        self._selector.unregister(session.socket.sock)
        self._sessions.remove(session)
        self._closed.append(error)

    def _watch(self, session: SmtpSession) -> None:
        """Waits for reads, and for writes while output is buffered."""
        events = _READ_WRITE if session.socket.waits_to_send else selectors.EVENT_READ
        if session.watched_events != events:
            session.watched_events = events
            self._selector.modify(session.socket.sock, events, session)
