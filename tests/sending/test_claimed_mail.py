"""Claimed mail doesn't get stale, and doesn't block other mail."""

import time
from collections.abc import Callable
from datetime import datetime

import pytest

from invites.core.clock import utcnow
from invites.mail.builder import MailBuilder, Message
from invites.models import Account, Batch, BatchState, EmailTokenPurpose, MailThrottle, Membership
from invites.outbox.queue import QueuedMail
from invites.people import email_tokens
from invites.sending import smtp_socket, worker
from invites.sending.worker import Worker
from tests.support.actions import send
from tests.support.scripted_smtp_server import SILENCE, ScriptedServer, Step, at
from tests.support.sending_actions import ONE_WAY, people, wait_for

pytestmark = [pytest.mark.slow, ONE_WAY]


def silence_one(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection gets no reply to its second message."""
    monkeypatch.setattr(smtp_socket, "TIMEOUT", 15.0)
    monkeypatch.setattr(worker, "_STOP_TIME", 0.5)
    server.answer = at("body", SILENCE, of="person001@example.org", connection=1)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """The messages that were built."""
    messages: list[Message] = []
    build = MailBuilder.build

    def keep(builder: MailBuilder, mail: QueuedMail, now: datetime) -> Message | None:
        message = build(builder, mail, now)
        if message is not None:
            messages.append(message)
        return message

    monkeypatch.setattr(MailBuilder, "build", keep)
    return messages


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


def test_a_new_name_of_the_account_is_used_within_a_second(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    built: list[Message],
) -> None:
    MailThrottle.create(id=1, per_minute=None, connections=6)
    server.delay = 0.02
    send(owner, now, *people(400))
    Batch.update(state=BatchState.RUNNING).execute()
    running()
    wait_for(lambda: len(server.received) > 20)
    Account.update(name="Another Name").execute()
    time.sleep(1)
    before = len(built)
    wait_for(lambda: len(built) >= before + 20)
    assert all(b"Another Name" in message.content for message in built[before:])


def test_a_new_rate_limit_applies_to_claimed_mails(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    built: list[Message],
) -> None:
    MailThrottle.create(id=1, per_minute=None, connections=8)
    server.delay = 0.02
    send(owner, now, *people(300))
    Batch.update(state=BatchState.RUNNING).execute()
    sender = running()
    wait_for(lambda: server.open_now == 8)
    server.gate.clear()
    wait_for(lambda: server.held == 8)
    MailThrottle.update(per_minute=1).execute()
    wait_for(lambda: sender._dispatcher.rate_limit._per_minute == 1)
    before, received = len(built), len(server.received)
    server.gate.set()
    wait_for(lambda: len(server.received) >= received + 8)
    time.sleep(0.3)
    assert len(built) <= before + 2


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
