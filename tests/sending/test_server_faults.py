"""Mail servers that misbehave at every step: nothing is lost, hardly anything duplicated."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from peewee import OperationalError

from invites.core.clock import utcnow
from invites.models import (
    UNSENT_STATES,
    Batch,
    BatchState,
    Delivery,
    DeliveryOutcome,
    DeliveryState,
    MailThrottle,
    Membership,
)
from invites.outbox import batches, heartbeat, outcomes, requeue
from invites.sending import connection_policy, smtp_socket, worker
from invites.sending.smtp_replies import ServerUnavailable
from invites.sending.smtp_transaction import SmtpTransaction
from invites.sending.worker import Worker
from tests.support.actions import invite, reread, send
from tests.support.scripted_smtp_server import HANG_UP, SILENCE, TRICKLE, ScriptedServer, Step, at
from tests.support.sending_actions import (
    FAILED,
    ONE_WAY,
    QUEUED,
    SENT,
    drain,
    people,
    states,
    wait_for,
)


def due_now() -> None:
    """Makes all retries due."""
    Delivery.update(due_at=Delivery.created_at).execute()


pytestmark = pytest.mark.slow


def drain_through(sender: Worker) -> None:
    """Sends everything, retrying at once after each outage."""
    for _ in range(200):
        with contextlib.suppress(ServerUnavailable):
            drain(sender)
        due_now()
        if not Delivery.select().where(Delivery.state.in_(UNSENT_STATES)).exists():
            return
    raise AssertionError(states())


class TestEachMessageOnce:
    def test_a_connection_that_breaks_after_the_last_reply_repeats_nothing(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        server.answer = at("quit", HANG_UP)
        send(owner, now, *people(3))
        drain(sender)
        due_now()
        drain(sender)
        assert server.recipients == people(3)
        assert states() == {SENT: 3}

    @pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
    @pytest.mark.parametrize("reply", [b"421 4.7.0 Enough for now", HANG_UP])
    def test_a_server_that_accepts_three_messages_per_connection_gets_the_others_on_new_ones(
        self,
        server: ScriptedServer,
        sender: Worker,
        owner: Membership,
        now: datetime,
        stage: str,
        reply: bytes,
    ) -> None:
        server.answer = at(stage, reply, after=3)
        send(owner, now, *people(10))
        drain(sender)
        assert sorted(server.recipients) == people(10)
        assert server.connections == 4
        assert states() == {SENT: 10}
        assert {mail.attempts for mail in Delivery.select()} == {1}

    def test_a_message_that_is_answered_with_421_was_not_accepted(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        server.answer = at("body", b"421 4.3.2 Shutting down", connection=1, after=1)
        send(owner, now, *people(3))
        drain(sender)
        assert states() == {SENT: 3}
        assert Counter(server.recipients)["person001@example.org"] == 2

    def test_a_message_without_a_reply_is_sent_once_more_with_the_same_message_id(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        silent = "person001@example.org"
        server.answer = at("body", HANG_UP, of=silent, connection=1)
        send(owner, now, *people(4))
        drain(sender)
        mail = Delivery.get(Delivery.recipient == silent)
        assert (mail.state, mail.unknown_outcomes) == (QUEUED, 1)
        assert mail.due_at > now + timedelta(minutes=1)
        assert states() == {SENT: 3, QUEUED: 1}
        due_now()
        drain(sender)
        assert states() == {SENT: 4}
        assert Counter(server.recipients) == Counter([*people(4), silent])
        assert len({message_id for _, message_id in server.received}) == 4

    def test_a_message_without_a_reply_twice_is_unknown(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        silent = "person001@example.org"
        server.answer = at("body", HANG_UP, of=silent)
        send(owner, now, *people(4))
        drain_through(sender)
        assert Counter(server.recipients)[silent] == 2
        assert states() == {SENT: 3, DeliveryState.UNKNOWN: 1}

    def test_a_refused_recipient_does_not_affect_others(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        server.answer = lambda step: (
            b"550 5.1.1 No such person" if step.stage == "rcpt" and "1@" in step.recipient else None
        )
        send(owner, now, *people(12))
        drain(sender)
        assert states() == {SENT: 10, FAILED: 2}
        said = {(mail.state, mail.reply_code, mail.reply_text) for mail in Delivery.select()}
        assert said == {(SENT, 250, "2.0.0 taken"), (FAILED, 550, "5.1.1 No such person")}

    def test_a_server_that_waits_for_a_message_without_recipients_gets_none(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        """RFC 2920, 3.1: the reply to DATA may be 354 although every recipient was refused."""

        def answer(step: Step) -> bytes | None:
            if step.recipient != "person001@example.org":
                return None
            replies = {
                "rcpt": b"550 5.1.1 No such person",
                "data": b"354 go on",
                "body": b"554 5.5.1 No recipients",
            }
            return replies.get(step.stage)

        server.answer = answer
        send(owner, now, *people(3))
        drain(sender)
        assert server.recipients == ["person000@example.org", "person002@example.org"]
        assert states() == {SENT: 2, FAILED: 1}

    def test_a_2xx_reply_before_the_text_does_not_accept_the_message(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        """The reply to DATA is 354: with any other, replies and commands are out of step."""
        server.answer = at("data", b"250 2.0.0 Yes", of="person001@example.org", connection=1)
        send(owner, now, *people(4))
        drain_through(sender)
        assert sorted(server.recipients) == people(4)
        assert states() == {SENT: 4}

    @pytest.mark.parametrize(
        "early", [b"354 go on\r\n250 2.0.0 Yes", b"354 go on\r\n" + HANG_UP], ids=["yes", "bye"]
    )
    def test_nothing_before_the_text_is_a_reply_to_it(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime, early: bytes
    ) -> None:
        """The message was refused, or not transmitted: it is neither sent nor unknown."""
        bad = "person001@example.org"
        replies = {"data": early, "body": b"554 5.7.1 Spam"}
        server.answer = lambda step: replies.get(step.stage) if step.recipient == bad else None
        send(owner, now, *people(3))
        with pytest.raises(ServerUnavailable):
            drain(sender)  # the second time, it was the first on its connection
        drain(sender)
        mail = Delivery.get(Delivery.recipient == bad)
        assert (mail.state, mail.attempts, mail.unknown_outcomes) == (QUEUED, 1, 0)
        assert states() == {SENT: 2, QUEUED: 1}

    def test_a_connection_that_breaks_after_a_refusal_does_not_change_the_result(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        late = "person000@example.org"

        def answer(step: Step) -> bytes | None:
            if step.stage == "rset":
                return HANG_UP
            return (
                b"451 4.7.1 Greylisted" if (step.stage, step.recipient) == ("rcpt", late) else None
            )

        server.answer = answer
        send(owner, now, *people(2))
        with contextlib.suppress(ServerUnavailable):
            drain(sender)
        mail = Delivery.get(Delivery.recipient == late)
        assert (mail.state, mail.attempts, mail.reply_code) == (QUEUED, 1, 451)

    def test_a_refusal_counts_even_if_the_server_then_hangs_up(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        gone = "person001@example.org"
        replies = {"rcpt": b"550 5.1.1 No such person", "data": HANG_UP}
        server.answer = lambda step: replies.get(step.stage) if step.recipient == gone else None
        send(owner, now, *people(3))
        drain_through(sender)
        assert states() == {SENT: 2, FAILED: 1}
        mail = Delivery.get(Delivery.recipient == gone)
        assert (mail.attempts, mail.reply_code) == (1, 550)

    def test_deferred_messages_do_not_block_others(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        late = set(people(8))

        def answer(step: Step) -> bytes | None:
            return (
                b"451 4.7.1 Greylisted" if step.stage == "rcpt" and step.recipient in late else None
            )

        server.answer = answer
        send(owner, now, *people(20))
        drain(sender)
        assert server.recipients == people(20)[8:]
        assert states() == {SENT: 12, QUEUED: 8}

    @pytest.mark.parametrize("seed", range(6))
    def test_exactly_the_accepted_messages_are_sent_whatever_the_server_does(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime, seed: int
    ) -> None:
        chance = random.Random(seed)
        kinds = [HANG_UP, b"421 4.3.2 Bye", b"451 4.3.0 Later", b"452 4.5.3 Later", b"rubbish"]
        taken: Counter[str] = Counter()

        def answer(step: Step) -> bytes | None:
            if step.stage in ("rcpt", "body") and chance.random() < 0.12:
                return chance.choice(kinds)
            if step.stage == "body":
                taken[step.recipient] += 1
            return None

        server.answer = answer
        send(owner, now, *people(40))
        drain_through(sender)
        for mail in Delivery.select():
            if mail.state == SENT:
                assert taken[mail.recipient] == 1
            else:
                assert mail.state == DeliveryState.UNKNOWN
                assert mail.unknown_outcomes == 2
        came = Counter(server.recipients)
        assert set(came) == set(people(40))
        assert len(set(server.received)) == 40  # duplicates have the same Message-ID


class TestOutages:
    @pytest.mark.parametrize(
        ("stage", "reply"),
        [
            ("greeting", b"554 5.7.1 You are on a list"),
            ("greeting", b"421 4.7.0 Too many connections"),
            ("greeting", HANG_UP),
            ("mail", b"421 4.7.0 Too many mails"),
            ("rcpt", b"421 4.7.0 Too many mails"),
            ("mail", b"550 5.7.1 Sender not allowed"),
            ("rcpt", b"554 5.7.1 Relay access denied"),
        ],
    )
    def test_no_mail_fails_and_the_reason_is_reported(
        self,
        server: ScriptedServer,
        sender: Worker,
        owner: Membership,
        now: datetime,
        stage: str,
        reply: bytes,
    ) -> None:
        server.answer = at(stage, reply)
        send(owner, now, *people(30))
        with pytest.raises(ServerUnavailable) as caught:
            drain(sender)
        assert reply.decode()[:3] in str(caught.value) or reply == HANG_UP
        assert states() == {QUEUED: 30}
        assert sum(mail.attempts for mail in Delivery.select()) <= 1
        server.answer = lambda _step: None
        due_now()
        drain(sender)
        assert Counter(server.recipients) == Counter(people(30))

    def test_the_refusal_of_the_sender_is_reported_even_if_the_server_hangs_up(
        self, server: ScriptedServer, sender: Worker, owner: Membership, now: datetime
    ) -> None:
        refusal = {"mail": b"550 5.7.1 Sender not allowed", "rcpt": HANG_UP}
        server.answer = lambda step: refusal.get(step.stage)
        send(owner, now, *people(2))
        with pytest.raises(ServerUnavailable, match="Sender not allowed"):
            drain(sender)
        assert states() == {QUEUED: 2}

    @ONE_WAY
    @pytest.mark.parametrize("step", ["begin", "envelope_replies", "end"])
    def test_a_bug_in_the_worker_pauses_and_loses_no_mail(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
        step: str,
    ) -> None:
        whole = getattr(SmtpTransaction, step)
        mistakes = []

        def broken(*arguments: object) -> object:
            if not mistakes:
                mistakes.append(ValueError("a mistake"))
                raise mistakes[0]
            return whole(*arguments)

        monkeypatch.setattr(SmtpTransaction, step, broken)
        send(owner, now, *people(3))
        running()
        wait_for(lambda: mistakes and DeliveryState.SENDING not in states())
        due_now()
        wait_for(lambda: states() == {SENT: 3})
        assert sorted(server.recipients) == people(3)

    @ONE_WAY
    @pytest.mark.parametrize("how", [SILENCE, TRICKLE], ids=["silence", "a trickle"])
    @pytest.mark.parametrize("stage", ["greeting", "rcpt", "body"])
    def test_a_server_that_does_not_reply_in_time_is_abandoned(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
        stage: str,
        how: bytes,
    ) -> None:
        monkeypatch.setattr(smtp_socket, "TIMEOUT", 0.4)
        server.answer = at(stage, how, connection=1)
        send(owner, now, *people(2))
        start = time.monotonic()
        running()
        wait_for(lambda: server.connections > 1)
        assert time.monotonic() - start < 5
        wait_for(lambda: not DeliveryOutcome.select().exists())
        due_now()
        wait_for(lambda: states() == {SENT: 2})

    @ONE_WAY
    def test_a_stopped_worker_waits_for_a_silent_server_only_for_a_while(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(worker, "_STOP_TIME", 0.5)
        server.answer = at("body", SILENCE)
        invite(owner, now)
        sender = running()
        wait_for(lambda: server.received)
        sender.stop()
        start = time.monotonic()
        wait_for(lambda: states() == {QUEUED: 1})
        assert 0.2 < time.monotonic() - start < 5
        assert [mail.unknown_outcomes for mail in Delivery.select()] == [1]

    @ONE_WAY
    @pytest.mark.parametrize(
        ("failures", "state"), [(3, SENT), (1000, DeliveryState.SENDING)], ids=["a while", "ever"]
    )
    def test_a_stopped_worker_tries_to_commit_results_while_the_database_is_busy(
        self,
        server: ScriptedServer,
        sender: Worker,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
        failures: int,
        state: DeliveryState,
    ) -> None:
        monkeypatch.setattr(worker, "_DATABASE_PAUSE", 0.05)
        monkeypatch.setattr(worker, "_STOP_TIME", 1.0)
        append, busy = outcomes.append, iter([OperationalError("database is locked")] * failures)

        def append_later(*arguments: object) -> None:
            for error in busy:
                raise error
            append(*arguments)

        def stop(step: Step) -> None:
            if step.stage == "body":
                sender.stop()

        monkeypatch.setattr(outcomes, "append", append_later)
        server.answer = stop
        invite(owner, now)
        running()
        wait_for(lambda: server.open_now == 0 and server.received)
        wait_for(lambda: states() == {state: 1})

    @ONE_WAY
    def test_a_silent_server_times_out_while_the_database_is_busy(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(smtp_socket, "TIMEOUT", 0.4)
        monkeypatch.setattr(worker, "_DATABASE_PAUSE", 0.2)
        monkeypatch.setattr(worker, "_HEARTBEAT_EVERY", 0.0)
        record = heartbeat.record

        def busy(*arguments: object) -> None:
            if server.received:
                raise OperationalError("database is locked")
            record(*arguments)

        monkeypatch.setattr(heartbeat, "record", busy)
        server.answer = at("body", SILENCE, connection=1)
        invite(owner, now)
        running()
        wait_for(lambda: server.received)
        wait_for(lambda: states() == {QUEUED: 1})

    @ONE_WAY
    def test_a_connection_whose_thread_cannot_start_is_tried_again(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        start, failing = threading.Thread.start, iter([RuntimeError("can't start new thread")])

        def start_later(thread: threading.Thread) -> None:
            if thread.name == "open":
                for error in failing:
                    raise error
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_later)
        invite(owner, now)
        running()
        wait_for(lambda: states() == {SENT: 1})
        assert next(failing, None) is None
        assert server.connections == 1

    @ONE_WAY
    def test_if_connecting_hangs_another_connection_is_tried(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connection_policy, "_CONNECT_HANGS", 0.2)
        server.delay = 0.02
        hanging = at("greeting", SILENCE, connection=2)
        over = at("body", b"421 4.3.2 Enough", connection=1, after=15)
        server.answer = lambda step: hanging(step) or over(step)
        MailThrottle.create(id=1, per_minute=None, connections=2)
        send(owner, now, *people(40))
        running()
        wait_for(lambda: states().get(SENT) == 39)
        assert server.connections == 3

    @ONE_WAY
    def test_after_a_refused_connection_others_are_tried_soon(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connection_policy, "_REFUSAL_PAUSES", (0.1,))
        server.delay = 0.02
        server.answer = at("greeting", b"421 4.7.0 Too many connections", connection=2)
        send(owner, now, *people(150))
        running()
        wait_for(lambda: server.open_now == 4)
        wait_for(lambda: states() == {SENT: 150})

    @ONE_WAY
    def test_connections_refused_at_the_same_time_cause_one_pause(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connection_policy, "_REFUSAL_PAUSES", (0.5, 60.0))
        server.delay = 0.02
        crowded = b"421 4.7.0 Too many connections"
        third, fourth = (at("greeting", crowded, connection=number) for number in (3, 4))
        server.answer = lambda step: third(step) or fourth(step)
        batch = send(owner, now, *people(400))
        Batch.update(state=BatchState.RUNNING).where(Batch.id == batch.id).execute()
        running()
        wait_for(lambda: server.connections > 4)
        assert states()[QUEUED] > 0

    @ONE_WAY
    def test_fewer_connections_are_used_if_the_server_accepts_only_two(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        MailThrottle.create(id=1, per_minute=None, connections=8)
        server.delay = 0.01
        most: list[int] = []

        def answer(step: Step) -> bytes | None:
            most.append(server.open_now)
            crowded = step.stage == "greeting" and server.open_now > 2
            return b"421 4.7.0 Too many connections" if crowded else None

        server.answer = answer
        batch = send(owner, now, *people(120))
        Batch.update(state=BatchState.RUNNING).where(Batch.id == batch.id).execute()
        running()
        wait_for(lambda: states() == {SENT: 120})
        assert Counter(server.recipients) == Counter(people(120))
        assert max(most) > 2
        assert server.connections <= 10
        assert heartbeat.outage() == ""


@ONE_WAY
class TestBatches:
    def test_a_paused_batch_stops_at_once_and_continues_where_it_was(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        server.delay = 0.01
        batch = send(owner, now, *people(120))
        running()
        wait_for(lambda: len(server.received) > 20)
        server.gate.clear()
        batches.pause(owner, batch, now)
        server.gate.set()
        wait_for(lambda: DeliveryState.SENDING not in states())
        still = len(server.received)
        time.sleep(0.3)
        assert len(server.received) == still < 120
        batches.resume(owner, reread(batch), now)
        wait_for(lambda: states() == {SENT: 120})
        assert Counter(server.recipients) == Counter(people(120))

    def test_a_canceled_batch_sends_no_more(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        server.delay = 0.02
        batch = send(owner, now, *people(400))
        running()
        wait_for(lambda: len(server.received) > 20)
        batches.cancel(owner, batch, now)
        time.sleep(0.8)
        sent = len(server.received)
        assert sent < 250
        wait_for(lambda: states() == {SENT: sent, DeliveryState.WITHDRAWN: 400 - sent})

    def test_a_large_batch_whose_probes_fail_stops_with_the_reason(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        server.answer = at("rcpt", b"550 5.7.1 Your domain is not welcome")
        batch = send(owner, now, *people(200))
        running()
        wait_for(lambda: reread(batch).state == BatchState.STOPPED)
        assert reread(batch).stop_reason == "550 5.7.1 Your domain is not welcome"
        assert states() == {FAILED: 10, QUEUED: 190}
        server.answer = lambda _step: None
        requeue.retry_failed(owner, batch, utcnow())
        wait_for(lambda: states() == {SENT: 200})

    def test_a_batch_that_begins_to_fail_later_stops_too(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        batch = send(owner, now, *people(200))
        full = b"552 5.2.3 Your quota of today is used up"
        server.answer = lambda step: full if step.stage == "body" and server.received[50:] else None
        running()
        wait_for(lambda: reread(batch).state == BatchState.STOPPED)
        assert "quota" in reread(batch).stop_reason
        wait_for(lambda: DeliveryState.SENDING not in states())
        assert 25 <= states()[FAILED] < 40
        invite(owner, utcnow(), "another@example.org")
        server.answer = lambda _step: None
        wait_for(lambda: "another@example.org" in server.recipients)

    def test_if_stopping_a_batch_fails_the_next_failure_stops_it(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        stop, busy = batches.stop, iter([OperationalError("database is locked")])

        def stop_later(*arguments: object) -> None:
            for error in busy:
                raise error
            stop(*arguments)

        monkeypatch.setattr(batches, "stop", stop_later)
        batch = send(owner, now, *people(200))
        full = b"552 5.2.3 Your quota of today is used up"
        server.answer = lambda step: full if step.stage == "body" and server.received[50:] else None
        running()
        wait_for(lambda: reread(batch).state == BatchState.STOPPED)
        wait_for(lambda: DeliveryState.SENDING not in states())
        assert 26 <= states()[FAILED] < 40
