"""Mails that are made while no turn has come: they get old for nobody, and hide no other mail."""

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

pytestmark = [pytest.mark.slow, ONE_WAY]


def silence_one(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection gets no answer to its second mail."""
    monkeypatch.setattr(smtp_socket, "TIMEOUT", 15.0)
    monkeypatch.setattr(worker, "_STOP_TIME", 0.5)
    server.answer = at("body", SILENCE, of="person001@example.org", connection=1)


class Begun:
    """Which letters began to go out since ``seen`` was emptied, each with its moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[float, Message]] = []
        letters: dict[int, Message] = {}
        make, write = MailBuilder.build, journal.write

        def making(room, mail, now):
            letter = make(room, mail, now)
            if letter is not None:
                letters[mail.id] = letter
            return letter

        def writing(settled, starting, now):
            may_go = write(settled, starting, now)
            self.seen += [(time.monotonic(), letters[id_]) for id_ in may_go]
            return may_go

        monkeypatch.setattr(MailBuilder, "build", making)
        monkeypatch.setattr(journal, "write", writing)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    return Begun(monkeypatch)


def test_a_password_link_waits_for_no_silent_connection(
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


def test_the_last_mail_of_a_batch_hides_no_mail_of_the_next_one(
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
            time.sleep(0.33)  # so that others are made meanwhile
        return silent(step)

    server.answer = answer
    send(owner, now, *people(4))
    send(owner, now, *(f"next{n}@example.org" for n in range(30)))
    started = time.monotonic()
    running()
    wait_for(lambda: len(server.received) >= 30)
    assert time.monotonic() - started < 10


def test_none_begins_that_was_made_long_ago(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    begun: Begun,
) -> None:
    monkeypatch.setattr(connection_pool, "_PREPARED_TIME", 0.5)
    monkeypatch.setattr(builder, "_TEMPLATE_TIME", 0.5)
    MailThrottle.create(id=1, per_minute=None, connections=6)

    def slow(step: Step) -> None:
        # The connections get out of step: somebody's turn comes each 0.3 seconds.
        if step.stage == "body" and step.taken:
            time.sleep(1.8 + 0.3 * (step.connection % 6) * (step.taken == 1))

    server.answer = slow
    send(owner, now, *people(300))
    Batch.update(state=BatchState.RUNNING).execute()
    running()
    wait_for(lambda: server.open_now == 6)
    time.sleep(6)
    Account.update(name="Another Name").execute()
    renamed = time.monotonic()
    time.sleep(3)
    late = [letter for moment, letter in begun.seen if moment > renamed + 0.9]
    assert len(late) >= 4
    assert all(b"Another Name" in letter.content for letter in late)


def test_a_new_limit_holds_for_them_too(
    server: ScriptedServer,
    running: Callable[[], Worker],
    owner: Membership,
    now: datetime,
    begun: Begun,
) -> None:
    MailThrottle.create(id=1, per_minute=None, connections=8)
    server.delay = 0.5
    send(owner, now, *people(300))
    Batch.update(state=BatchState.RUNNING).execute()
    sender = running()
    wait_for(lambda: server.open_now == 8)
    MailThrottle.update(per_minute=1).execute()
    wait_for(lambda: sender._dispatcher.rate_limit.per_minute == 1)
    since = time.monotonic()
    time.sleep(2)
    assert len([moment for moment, _letter in begun.seen if moment > since + 0.2]) <= 2


def test_at_a_rate_of_100_a_second_few_connections_reach_it(
    server: ScriptedServer, running: Callable[[], Worker], owner: Membership, now: datetime
) -> None:
    MailThrottle.create(id=1, per_minute=6000, connections=4)
    send(owner, now, *people(500))
    Batch.update(state=BatchState.RUNNING).execute()
    running()
    wait_for(lambda: len(server.received) > 20)
    before, since = len(server.received), time.monotonic()
    wait_for(lambda: len(server.received) >= before + 300)
    assert (len(server.received) - before) / (time.monotonic() - since) > 70
