"""All connections to the mail server, in one thread: a slow server never blocks the others."""

import logging
import selectors
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import flask_mail
from peewee import PeeweeException

from invites.core.clock import utcnow
from invites.mail.builder import MailBuilder, Message
from invites.mail.bulk_template import UnsafeMailError
from invites.models import Priority
from invites.outbox import journal, throttle
from invites.outbox.journal import JournalEntry
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, SendResult
from invites.sending.connector import Connector
from invites.sending.dispatcher import Dispatcher
from invites.sending.smtp_session import SmtpSession
from invites.sending.smtp_transaction import Awaits

_KEEP_IDLE = 2.0  # seconds for which an idle connection stays open
_SEARCH_EVERY = 0.05  # seconds between searches for mail, while connections are idle
_PREPARED_TIME = 2.0  # seconds for which a prepared message may be sent
_MAX_UNSENDABLE = 25  # mails that can't be sent, after which their results are committed
_READ_WRITE = selectors.EVENT_READ | selectors.EVENT_WRITE

log = logging.getLogger("invites.sending.worker")


class ConnectionPool:
    def __init__(self, dispatcher: Dispatcher, builder: MailBuilder) -> None:
        self._dispatcher = dispatcher
        self._builder = builder
        self._sessions: list[SmtpSession] = []
        self._write_blocked: set[SmtpSession] = set()
        # The next message of each session that is ready to commit. Until it commits, nothing
        # else resumes it.
        self._assigned: dict[SmtpSession, Message | None] = {}
        # Messages built while all sessions wait for replies, each with the time when it was built.
        self._prepared: deque[tuple[float, Message]] = deque()
        self._has_prepared_one = False
        self._connector = Connector()
        self._closed: list[Exception | None] = []
        self._results: list[JournalEntry] = []  # not committed yet
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
        """Whether a connection is open, or a result isn't committed."""
        return bool(self._sessions or self._results)

    def has_work(self) -> bool:
        return bool(self._prepared) or self._dispatcher.has_work()

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
        """Surplus connections finish their message and quit."""
        self._max_connections = connections

    def run_once(self, timeout: float) -> list[Exception | None]:
        """Does what can be done now, or becomes possible within ``timeout`` seconds.

        Returns how connections ended: None for a normal end, ServerUnavailable, or an exception
        caused by a bug. Raises PeeweeException without losing anything; the next call continues.
        """
        self._transfer(self._select_timeout(timeout))
        self._end_overdue()
        self._put_back_stale()
        self._has_prepared_one = False
        if not self._assign():
            self._commit_and_resume()
            self._prepare_one()
        closed, self._closed = self._closed, []
        return closed

    def _select_timeout(self, timeout: float) -> float:
        if self._assigned or self._has_prepared_one:
            return 0.0
        if any(session.awaits is Awaits.COMMIT for session in self._sessions):
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
            self._watch(session)
            if session.awaits is Awaits.COMMIT or session in self._assigned:
                continue
            # A server sends something to an idle session only when it closes the connection.
            if session.socket.has_news:
                self._resume(session)

    def _end_overdue(self) -> None:
        for session in list(self._sessions):
            if session.awaits is Awaits.REPLY and session.socket.end_if_overdue():
                self._resume(session)

    def _add_opened(self) -> None:
        for opened in self._connector.results():
            if isinstance(opened, Exception):
                self._closed.append(opened)
            else:
                session = SmtpSession(*opened, self._results)
                self._sessions.append(session)
                self._selector.register(session.socket.sock, selectors.EVENT_READ, session)
                self._searched_at = 0.0

    def _assign(self) -> bool:
        """Assigns messages to sessions that became ready. Returns whether there were any.

        If so, the sockets are read again before the commit, because building messages takes as long
        as a fast server's reply. More sessions may then be ready, and all share one commit.
        """
        surplus = self._sessions[self._max_connections :]
        ready = [session for session in self._ready() if session not in self._assigned]
        for session in ready:
            self._assigned[session] = None if session in surplus else self._next_message()
        return bool(ready)

    def _commit_and_resume(self) -> None:
        """Commits results and which messages are sent next, then resumes their sessions.

        Raises PeeweeException, and puts the assigned messages back.
        """
        assigned, self._assigned = self._assigned, {}
        mails = [message.mail for message in assigned.values() if message is not None]
        try:
            may_start = self._commit(mails)
        except PeeweeException:
            for mail in mails:
                self._dispatcher.put_back(mail)
            raise
        for session, message in assigned.items():
            if message is not None and message.mail.id not in may_start:
                self._dispatcher.put_back(message.mail)
                self._searched_at = 0.0  # the session searches for another one
                message = None
            if message is not None or session.awaits is Awaits.COMMIT or self._must_close(session):
                self._resume(session, message)
        self._commit([])

    def _ready(self) -> list[SmtpSession]:
        """Sessions that need a message, starting with those that have a result to commit."""
        found = [session for session in self._sessions if session.awaits is Awaits.COMMIT]
        if time.monotonic() - self._searched_at > _SEARCH_EVERY:
            self._searched_at = time.monotonic()
            found += [session for session in self._sessions if session.awaits is Awaits.MESSAGE]
        return found

    def _must_close(self, session: SmtpSession) -> bool:
        is_idle = time.monotonic() - session.waiting_since > _KEEP_IDLE
        is_surplus = session in self._sessions[self._max_connections :]
        return is_idle or is_surplus or session.socket.has_news

    def _prepare_one(self) -> None:
        """Builds the next message while all sessions wait for replies.

        Does nothing if there is a rate limit, because a message counts as soon as it is taken.
        """
        most = min(len(self._sessions), self._max_connections)
        if self._dispatcher.rate_limit.per_minute is None and len(self._prepared) < most:
            message = self._build_next()
            if message is not None:
                is_bulk = message.mail.priority is Priority.BULK
                add = self._prepared.append if is_bulk else self._prepared.appendleft
                add((time.monotonic(), message))
                self._has_prepared_one = True

    def _put_back_stale(self) -> None:
        """Puts prepared messages back after a while, and when there is a rate limit."""
        if not self._prepared:
            return
        oldest = min(built_at for built_at, _message in self._prepared)
        has_limit = self._dispatcher.rate_limit.per_minute is not None
        if has_limit or oldest < time.monotonic() - _PREPARED_TIME:
            self._put_back_prepared()

    def _put_back_prepared(self) -> None:
        while self._prepared:
            self._dispatcher.put_back(self._prepared.pop()[1].mail)

    def _next_message(self) -> Message | None:
        return self._prepared.popleft()[1] if self._prepared else self._build_next()

    def _build_next(self) -> Message | None:
        """None if no mail is due, or after many that can't be sent."""
        now = utcnow()
        while len(self._results) < _MAX_UNSENDABLE:
            mail = self._dispatcher.take()
            if mail is None:
                return None
            message = self._build(mail, now)
            if message is not None:
                return message
        self._searched_at = 0.0  # search again after these are committed
        return None

    def _build(self, mail: QueuedMail, now: datetime) -> Message | None:
        """Returns None, and adds a result, for a mail that won't be sent."""
        message = None
        unsent = Attempt(SendResult.WITHDRAWN)
        try:
            message = self._builder.build(mail, now)
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
            self._results.append(JournalEntry(mail, unsent))
            self._dispatcher.rate_limit.release()
        return message

    def _commit(self, mails: Sequence[QueuedMail]) -> set[int]:
        """Returns the ids of those of ``mails`` that may be sent.

        Raises PeeweeException, and keeps the results for the next call.
        """
        if not mails and not self._results:
            return set()
        may_start = journal.write(self._results, mails, utcnow())
        self._dispatcher.finish(self._results)
        self._results.clear()
        return may_start

    def _resume(self, session: SmtpSession, message: Message | None = None) -> None:
        error: Exception | None = None
        try:
            session.resume(message)
        except Exception as caught:
            error = caught
        if session.awaits is not None:
            self._watch(session)
            return
        self._selector.unregister(session.socket.sock)
        self._sessions.remove(session)
        self._write_blocked.discard(session)
        self._closed.append(error)
        if not self._sessions:
            self._put_back_prepared()

    def _watch(self, session: SmtpSession) -> None:
        """Waits for reads, and for writes while output is buffered."""
        is_blocked = session.socket.waits_to_send
        if is_blocked != (session in self._write_blocked):
            self._write_blocked ^= {session}
            events = _READ_WRITE if is_blocked else selectors.EVENT_READ
            self._selector.modify(session.socket.sock, events, session)
