"""Many connections: how many are opened, and how they share mail and limits."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
from peewee import OperationalError

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.mail.builder import MailBuilder
from invites.models import (
    Batch,
    BatchState,
    DeliveryState,
    EmailTokenPurpose,
    MailThrottle,
    Membership,
)
from invites.outbox import batches, claims, heartbeat, outcomes
from invites.outbox.outcomes import Outcome
from invites.outbox.queue import QueuedMail
from invites.people import email_tokens
from invites.sending import connection_pool, worker
from invites.sending.worker import Worker
from tests.support.actions import invite, send
from tests.support.scripted_smtp_server import ScriptedServer, at
from tests.support.sending_actions import ONE_WAY, QUEUED, SENT, people, states, wait_for

pytestmark = pytest.mark.slow


def sometimes_busy(function: Callable[..., object], chance: random.Random) -> Callable[..., object]:
    def busy(*arguments: object) -> object:
        if chance.random() < 0.3:
            raise OperationalError("database is locked")
        return function(*arguments)

    return busy


@ONE_WAY
class TestManyConnections:
    def test_a_slow_server_gets_all_allowed_connections_and_each_message_once(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        MailThrottle.create(id=1, per_minute=None, connections=6)
        server.delay = 0.02
        send(owner, now, *people(200))
        running()
        wait_for(lambda: states() == {SENT: 200})
        assert Counter(server.recipients) == Counter(people(200))
        assert 3 < server.connections <= 6

    def test_the_next_message_is_built_while_the_server_is_slow(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        MailThrottle.create(id=1, per_minute=None, connections=1)
        built, build = [], MailBuilder.build

        def build_and_note(builder: MailBuilder, mail: QueuedMail, when: datetime) -> object:
            built.append(mail.recipient)
            return build(builder, mail, when)

        monkeypatch.setattr(MailBuilder, "build", build_and_note)
        server.gate.clear()
        send(owner, now, *people(4))
        running()
        wait_for(lambda: len(built) == 2)  # one is being sent, one follows
        assert not server.received
        server.gate.set()
        wait_for(lambda: states() == {SENT: 4})
        assert built == server.recipients == people(4)

    def test_messages_of_broken_connections_are_sent_on_others(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        server.delay = 0.05
        server.answer = at("body", b"421 4.3.2 Enough", after=2)
        send(owner, now, *people(20))
        running()
        wait_for(lambda: states() == {SENT: 20})
        assert server.connections > 5

    def test_the_rate_limit_holds_over_all_connections(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        MailThrottle.create(id=1, per_minute=1200, connections=4)
        send(owner, now, *people(30))
        running()
        wait_for(lambda: len(server.received) > 2)
        start = time.monotonic()
        before = len(server.received)
        wait_for(lambda: states() == {SENT: 30})
        assert time.monotonic() - start > (30 - before - 3) * 0.05

    def test_no_more_connections_are_opened_than_the_rate_limit_needs(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        MailThrottle.create(id=1, per_minute=1200, connections=4)
        send(owner, now, *people(49))
        running()
        wait_for(lambda: states() == {SENT: 49})
        assert server.connections == 1

    def test_withdrawn_mails_do_not_count_for_the_rate_limit(
        self,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        MailThrottle.create(id=1, per_minute=60, connections=4)
        send(owner, now, *people(40))
        Membership.update(role=Role.USER).where(Membership.id == owner.id).execute()
        running()
        wait_for(lambda: states() == {DeliveryState.WITHDRAWN: 40})

    def test_at_a_low_rate_a_paused_batch_gives_way_at_once(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        MailThrottle.create(id=1, per_minute=60, connections=4)
        batch = send(owner, now, *people(40))
        running()
        wait_for(lambda: server.received)
        batches.pause(owner, batch, now)
        send(owner, utcnow(), "other@example.org")
        start = time.monotonic()
        wait_for(lambda: "other@example.org" in server.recipients)
        assert time.monotonic() - start < 5

    def test_withdrawn_mails_are_committed_in_small_groups(
        self,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        append, sizes = outcomes.append, []

        def count(number: int, done: Sequence[Outcome], when: datetime) -> None:
            sizes.append(len(done))
            append(number, done, when)

        monkeypatch.setattr(outcomes, "append", count)
        batch = send(owner, now, *people(999))
        Batch.update(state=BatchState.RUNNING).where(Batch.id == batch.id).execute()
        Membership.update(role=Role.USER).where(Membership.id == owner.id).execute()
        running()
        wait_for(lambda: states() == {DeliveryState.WITHDRAWN: 999})
        assert max(sizes) <= 200

    def test_a_password_link_overtakes_a_batch(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        server.delay = 0.02
        send(owner, now, *people(400))
        running()
        wait_for(lambda: len(server.received) > 12)
        email_tokens.send_link(
            owner.user, EmailTokenPurpose.RESET_PASSWORD, owner.user.email, utcnow()
        )
        asked_at = len(server.received)
        wait_for(lambda: owner.user.email in server.recipients)
        assert server.recipients.index(owner.user.email) - asked_at < 80
        assert len(server.received) < 400

    def test_an_idle_connection_is_closed_and_the_next_mail_opens_another(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connection_pool, "_KEEP_IDLE", 0.2)
        invite(owner, now, "one@example.org")
        running()
        wait_for(lambda: server.stages["quit"] == 1)
        assert states() == {SENT: 1}
        invite(owner, utcnow(), "two@example.org")
        wait_for(lambda: states() == {SENT: 2})
        assert server.connections == 2

    def test_a_server_may_close_an_idle_connection(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connection_pool, "_KEEP_IDLE", 60)
        invite(owner, now, "one@example.org")
        running()
        wait_for(lambda: states() == {SENT: 1})
        server.hang_up()
        invite(owner, utcnow(), "two@example.org")
        wait_for(lambda: states() == {SENT: 2})
        assert server.recipients == ["one@example.org", "two@example.org"]
        assert heartbeat.outage() == ""

    def test_a_message_whose_connection_breaks_while_the_database_is_busy_is_sent_on_the_next_one(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(worker, "_DATABASE_PAUSE", 0.05)
        claim, busy = claims.claim, iter([OperationalError("database is locked")])

        def claim_later(*arguments: object) -> object:
            for error in busy:
                server.hang_up()
                raise error
            return claim(*arguments)

        monkeypatch.setattr(claims, "claim", claim_later)
        invite(owner, now)
        running()
        wait_for(lambda: states() == {SENT: 1})

    def test_with_a_lower_limit_surplus_connections_quit(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
    ) -> None:
        MailThrottle.create(id=1, per_minute=None, connections=8)
        server.delay = 0.02
        batch = send(owner, now, *people(400))
        Batch.update(state=BatchState.RUNNING).where(Batch.id == batch.id).execute()
        running()
        wait_for(lambda: server.open_now > 4)
        MailThrottle.update(connections=2).execute()
        wait_for(lambda: server.open_now <= 2)
        assert states()[QUEUED] > 0
        server.delay = 0
        wait_for(lambda: states() == {SENT: 400})
        assert Counter(server.recipients) == Counter(people(400))

    @pytest.mark.parametrize("seed", range(3))
    def test_database_errors_lose_no_outcome_and_duplicate_no_message(
        self,
        server: ScriptedServer,
        running: Callable[[], Worker],
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
        seed: int,
    ) -> None:
        monkeypatch.setattr(worker, "_DATABASE_PAUSE", 0.01)
        chance = random.Random(seed)
        for module, name in ((outcomes, "append"), (outcomes, "fold"), (claims, "claim")):
            monkeypatch.setattr(module, name, sometimes_busy(getattr(module, name), chance))
        MailThrottle.create(id=1, per_minute=None, connections=4)
        send(owner, now, *people(120))
        running()
        wait_for(lambda: states() == {SENT: 120})
        assert sorted(server.recipients) == people(120)
