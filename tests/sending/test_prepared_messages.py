"""Prepared messages: they don't get stale, and don't block other mail."""

import time
from collections.abc import Callable
from datetime import datetime

import pytest

from invites.core.clock import utcnow
from invites.mail import builder
from invites.mail.builder import MailBuilder, Message
from invites.models import Account, Batch, BatchState, EmailTokenPurpose, MailThrottle, Membership
from invites.outbox import journal
from invites.people import email_tokens
from invites.sending import connection_pool, smtp_socket, worker
from invites.sending.worker import Worker
from tests.support.actions import send
from tests.support.scripted_smtp_server import SILENCE, ScriptedServer, Step, at
from tests.support.sending_actions import ONE_WAY, people, wait_for
from tests.support.smtp_fixtures import Clock

pytestmark = [pytest.mark.slow, ONE_WAY]


def silence_one(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection gets no reply to its second message."""
    monkeypatch.setattr(smtp_socket, "TIMEOUT", 15.0)
    monkeypatch.setattr(worker, "_STOP_TIME", 0.5)
    server.answer = at("body", SILENCE, of="person001@example.org", connection=1)


class Started:
    """The messages that were built, by the id of their delivery, and those that were started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.built: dict[int, Message] = {}
        self.messages: list[Message] = []
        build, write = MailBuilder.build, journal.write

        def keep_built(builder, mail, now):
            message = build(builder, mail, now)
            if message is not None:
                self.built[mail.id] = message
            return message

        def keep_started(entries, starting, now):
            may_start = write(entries, starting, now)
            self.messages += [self.built[id_] for id_ in may_start]
            return may_start

        monkeypatch.setattr(MailBuilder, "build", keep_built)
        monkeypatch.setattr(journal, "write", keep_started)

    @property
    def prepared(self) -> int:
        """How many are built and not started."""
        return len(self.built) - len(self.messages)


def hold_all(server: ScriptedServer, started: Started) -> None:
    """Makes all connections wait for a reply, each with another message prepared."""
    connections = MailThrottle.get().connections
    server.delay = 0.02
    wait_for(lambda: server.open_now == connections)
    server.gate.clear()
    wait_for(lambda: server.held == connections and started.prepared >= connections)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    return Started(monkeypatch)


def test_a_password_link_does_not_wait_for_a_silent_connection(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silence_one(server, monkeypatch)
    send(owner, now, *people(2))
    running()
    wait_for(lambda: len(server.received) >= 2)
    time.sleep(0.3)
    email_tokens.send_link(owner.user, EmailTokenPurpose.RESET_PASSWORD, owner.user.email, utcnow())
    asked = time.monotonic()
    wait_for(lambda: owner.user.email in server.recipients)
    assert time.monotonic() - asked < 5


def test_the_last_mail_of_a_batch_does_not_block_the_next_batch(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silence_one(server, monkeypatch)
    silent = server.answer

    def answer(step: Step) -> bytes | None:
        if step.stage == "body" and step.recipient == "person000@example.org":
            time.sleep(0.33)  # so that others are prepared meanwhile
        return silent(step)

    server.answer = answer
    send(owner, now, *people(4))
    send(owner, now, *(f"next{n}@example.org" for n in range(30)))
    started = time.monotonic()
    running()
    wait_for(lambda: len(server.received) >= 30)
    assert time.monotonic() - started < 10


def test_stale_prepared_messages_are_not_sent(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    started: Started,
    clock: Clock,
) -> None:
    MailThrottle.create(id=1, per_minute=None, connections=6)
    send(owner, now, *people(300))
    Batch.update(state=BatchState.RUNNING).execute()
    running()
    hold_all(server, started)
    Account.update(name="Another Name").execute()
    clock.advance(max(connection_pool._PREPARED_TIME, builder._TEMPLATE_TIME) + 0.1)
    before = len(started.messages)
    server.gate.set()
    wait_for(lambda: len(started.messages) >= before + 20)
    assert all(b"Another Name" in message.content for message in started.messages[before:])


def test_a_new_rate_limit_applies_to_prepared_messages(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    started: Started,
) -> None:
    MailThrottle.create(id=1, per_minute=None, connections=8)
    send(owner, now, *people(300))
    Batch.update(state=BatchState.RUNNING).execute()
    sender = running()
    hold_all(server, started)
    MailThrottle.update(per_minute=1).execute()
    wait_for(lambda: sender._dispatcher.rate_limit.per_minute == 1)
    before, received = len(started.messages), len(server.received)
    server.gate.set()
    wait_for(lambda: len(server.received) >= received + 8)
    time.sleep(0.3)
    assert len(started.messages) <= before + 2


def test_at_a_rate_of_100_a_second_two_connections_reach_it(
    server: ScriptedServer, running: Callable[[], Worker], owner: Membership, now: datetime
) -> None:
    MailThrottle.create(id=1, per_minute=6000, connections=2)
    send(owner, now, *people(250))
    Batch.update(state=BatchState.RUNNING).execute()
    moments: list[float] = []
    server.answer = lambda step: moments.append(time.monotonic()) if step.stage == "body" else None
    running()
    wait_for(lambda: len(moments) == 250)
    # The best of many moments, in which nothing else kept the machine busy. 150 messages are
    # more than what the limit lets a worker catch up after a delay.
    seconds_for_150 = min(moments[n + 150] - moments[n] for n in range(20, 100))
    assert seconds_for_150 < 150 / 70
