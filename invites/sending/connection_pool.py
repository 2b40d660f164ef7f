"""All connections to the mail server, served by one thread: whoever has to wait holds up nobody."""

import logging
import selectors
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import flask_mail
from peewee import PeeweeException

from invites.core.clock import utcnow
from invites.mail.builder import Letter, MailBuilder
from invites.mail.bulk_template import UnsafeMailError
from invites.models import Priority
from invites.outbox import journal, throttle
from invites.outbox.journal import JournalEntry
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, SendResult
from invites.sending.connector import Connector
from invites.sending.dispatcher import Dispatcher
from invites.sending.smtp_session import SmtpSession
from invites.sending.smtp_transaction import Awaited

_LINGER = 2.0  # seconds for which an idle connection stays open
_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE
_ASK_AGAIN = 0.05  # seconds between two looks for mail, for connections that have none
_FRESH = 2.0  # seconds for which a mail that was made ahead is good
_AT_ONCE = 25  # mails that can't be sent, and are written down together

log = logging.getLogger("invites.sending.worker")


class ConnectionPool:
    """The couriers. ``done`` counts the mails that are sent, or failed for good."""

    def __init__(
        self, dispatcher: Dispatcher, builder: MailBuilder, *, linger: float | None = None
    ) -> None:
        self._desk = dispatcher
        self._mailroom = builder
        self._linger = _LINGER if linger is None else linger
        self._couriers: list[SmtpSession] = []
        self._sending: set[SmtpSession] = set()  # whose server doesn't take all at once
        # What is put aside for whose turn it is; until they have it, nothing else moves them.
        self._dealt: dict[SmtpSession, Letter | None] = {}
        # Made while no turn had come, for the next ones; and each one's moment.
        self._ahead: deque[tuple[float, Letter]] = deque()
        self._has_made_one = False
        self._opening = Connector()
        self._ended: list[Exception | None] = []
        self._settled: list[JournalEntry] = []  # and not written down yet
        self._asked_at = 0.0
        self._most = throttle.MAX_CONNECTIONS
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._opening, selectors.EVENT_READ)
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hang up on everybody; what is in hand stays *sending* for the next worker to recover."""
        for session in self._couriers:
            session.line.close()
        self._selector.close()
        self._opening.close()

    def __len__(self) -> int:
        """How many connections there are, with those that aren't open yet."""
        return len(self._couriers) + len(self._opening)

    def have_all_got_through(self) -> bool:
        """Whether the mail server took mail on every connection."""
        return not self._opening and all(c.taken for c in self._couriers)

    def has_one_got_through(self) -> bool:
        """Whether it did on one of them."""
        return any(session.taken for session in self._couriers)

    def is_busy(self) -> bool:
        """Whether a connection is open, or what became of a mail isn't written down."""
        return bool(self._couriers or self._settled)

    def has_work(self) -> bool:
        """Whether a mail is due that no connection has in hand."""
        return bool(self._ahead) or self._desk.has_work()

    def hire(self, mail: flask_mail.Mail) -> None:
        """Connect once more; that takes as long as the mail server likes, and others go on."""
        self._opening.begin(mail, self._mailroom.sender)

    def is_stuck(self, seconds: float) -> bool:
        """Whether none is open, and none of those that are being opened was begun lately."""
        return not self._couriers and self._opening.has_begun_none_for(seconds)

    def leave(self, by: float) -> None:
        """Finish the mails in hand and say goodbye, by a moment of ``time.monotonic()``."""
        self.keep(0)
        for session in self._couriers:
            session.line.hurry(by)

    def keep(self, most: int) -> None:
        """No more than so many: the others finish the mail in hand and say goodbye."""
        self._most = most

    def work(self, patience: float) -> list[Exception | None]:
        """Do what can be done now, or what can be within ``patience`` seconds.

        Returns how connections ended: None when all was well, ServerUnavailable when the server
        can't be used, else a mistake of our own. Raises PeeweeException; nothing is lost then,
        and the next call goes on.
        """
        self._listen(self._may_wait(patience))
        self._cut_overdue()
        self._put_down_old()
        self._has_made_one = False
        if not self._deal():
            self._take_turns()
            self._make_ahead()
        ended, self._ended = self._ended, []
        return ended

    def _may_wait(self, patience: float) -> float:
        if self._dealt or self._has_made_one:
            return 0.0
        if any(session.awaits is Awaited.TURN for session in self._couriers):
            return 0.0
        if any(session.awaits is Awaited.WORK for session in self._couriers):
            return min(patience, max(0.0, self._asked_at + _ASK_AGAIN - time.monotonic()))
        return patience

    def _listen(self, patience: float) -> None:
        """Send and receive what goes without waiting."""
        for key, _events in self._selector.select(patience):
            session: SmtpSession | None = key.data
            if session is None:
                self._welcome()
                continue
            session.line.transfer()
            self._watch(session)
            if session.awaits is Awaited.TURN or session in self._dealt:
                continue
            # To who has no mail in hand a server has nothing to say but that they should go.
            if session.line.has_news:
                self._let_go_on(session)

    def _cut_overdue(self) -> None:
        self._opening.cut_overdue()
        for session in list(self._couriers):
            if session.awaits is Awaited.ANSWER and session.line.end_if_overdue():
                self._let_go_on(session)

    def _welcome(self) -> None:
        for opened in self._opening.results():
            if isinstance(opened, Exception):
                self._ended.append(opened)
            else:
                session = SmtpSession(*opened, self._settled)
                self._couriers.append(session)
                self._selector.register(session.line.sock, selectors.EVENT_READ, session)
                self._asked_at = 0.0

    def _deal(self) -> bool:
        """Put a mail aside for each whose turn has come; whether it had come for anybody.

        Then it is asked again before anything is written down: making mails takes as long as a
        fast server's answers, so others may have come meanwhile, and all share one commit.
        """
        too_many = self._couriers[self._most :]
        came = [session for session in self._waiting() if session not in self._dealt]
        for session in came:
            self._dealt[session] = None if session in too_many else self._next_letter()
        return bool(came)

    def _take_turns(self) -> None:
        """Write down what became of mails and which go next, and let those have them.

        Raises PeeweeException; then the mails that were put aside wait like all others.
        """
        dealt, self._dealt = self._dealt, {}
        mails = [letter.mail for letter in dealt.values() if letter is not None]
        try:
            may_go = self._start(mails)
        except PeeweeException:
            for mail in mails:
                self._desk.put_down(mail)
            raise
        for session, letter in dealt.items():
            given = letter if letter is not None and letter.mail.id in may_go else None
            if letter is not None and given is None:
                self._desk.put_down(letter.mail)
                self._asked_at = 0.0  # whoever gets none asks for another one
            if given is not None or session.awaits is Awaited.TURN or self._is_over(session):
                self._let_go_on(session, given)
        self._start([])

    def _waiting(self) -> list[SmtpSession]:
        """Whose turn it is, those first who have a mail in hand."""
        found = [session for session in self._couriers if session.awaits is Awaited.TURN]
        if time.monotonic() - self._asked_at > _ASK_AGAIN:
            self._asked_at = time.monotonic()
            found += [session for session in self._couriers if session.awaits is Awaited.WORK]
        return found

    def _is_over(self, session: SmtpSession) -> bool:
        is_idle = time.monotonic() - session.waits_since > self._linger
        is_too_many = session in self._couriers[self._most :]
        return is_idle or is_too_many or session.line.has_news

    def _make_ahead(self) -> None:
        """While all wait for their servers, make a mail for one of them: then its turn is short.

        Not under a limit of mails a minute, which a mail uses up when it is taken.
        """
        most = min(len(self._couriers), self._most)
        if self._desk.pace.per_minute is None and len(self._ahead) < most:
            letter = self._make_next()
            if letter is not None:
                is_bulk = letter.mail.priority is Priority.BULK
                put = self._ahead.append if is_bulk else self._ahead.appendleft
                put((time.monotonic(), letter))
                self._has_made_one = True

    def _put_down_old(self) -> None:
        """What was made ahead is good for a while, and only as long as there is no limit."""
        until = time.monotonic() - _FRESH
        if self._ahead and (self._desk.pace.per_minute is not None or self._made_first() < until):
            self._put_down_ahead()

    def _made_first(self) -> float:
        return min(made_at for made_at, _letter in self._ahead)

    def _put_down_ahead(self) -> None:
        while self._ahead:
            self._desk.put_down(self._ahead.pop()[1].mail)

    def _next_letter(self) -> Letter | None:
        """The next mail as it goes out; None when there is none, or when many can't be sent."""
        return self._ahead.popleft()[1] if self._ahead else self._make_next()

    def _make_next(self) -> Letter | None:
        now = utcnow()
        while len(self._settled) < _AT_ONCE:
            mail = self._desk.take()
            if mail is None:
                return None
            letter = self._make(mail, now)
            if letter is not None:
                return letter
        self._asked_at = 0.0  # whoever gets none asks again, when these are written down
        return None

    def _make(self, mail: QueuedMail, now: datetime) -> Letter | None:
        """The mail as it goes out; None, and what becomes of it is settled, when it doesn't."""
        try:
            letter = self._mailroom.letter(mail, now)
            unsent = Attempt(SendResult.WITHDRAWN)
        except UnsafeMailError:
            letter = None
            unsent = Attempt(
                SendResult.FAILED, text="The mail has a control character in a header."
            )
        except PeeweeException:
            self._desk.put_down(mail)
            raise
        except Exception:  # one mail that can't be made must not hold up all others
            log.exception("mail %s can't be made", mail.id)
            letter = None
            unsent = Attempt(SendResult.FAILED, text="This mail can't be made. The log says why.")
        if letter is None:
            self._settled.append(JournalEntry(mail, unsent))
            self._desk.pace.give_back()
        return letter

    def _start(self, mails: Sequence[QueuedMail]) -> set[int]:
        """Commit what is settled, and that ``mails`` go next; returns the ids of those who may.

        Raises PeeweeException; then what is settled waits for the next time.
        """
        if not mails and not self._settled:
            return set()
        may_go = journal.write(self._settled, mails, utcnow())
        self._desk.settle(self._settled)
        self.done += sum(
            s.attempt.result in (SendResult.SENT, SendResult.FAILED) for s in self._settled
        )
        self._settled.clear()
        return may_go

    def _let_go_on(self, session: SmtpSession, given: Letter | None = None) -> None:
        error: Exception | None = None
        try:
            session.go_on(given)
        except Exception as caught:
            error = caught
        if session.awaits is not None:
            self._watch(session)
            return
        self._selector.unregister(session.line.sock)
        self._couriers.remove(session)
        self._sending.discard(session)
        self._ended.append(error)
        if not self._couriers:
            self._put_down_ahead()

    def _watch(self, session: SmtpSession) -> None:
        """Be told when something comes, and when what waits to be sent can be."""
        waits = session.line.waits_to_send
        if waits != (session in self._sending):
            self._sending ^= {session}
            events = _BOTH if waits else selectors.EVENT_READ
            self._selector.modify(session.line.sock, events, session)
