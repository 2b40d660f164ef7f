"""Whatever people, workers, the mail server and the clock do, each mail is queued, claimed or done.

Hypothesis chooses what happens. A model of each mail says what its row has to contain afterwards.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from invites import db
from invites.bounces import matching
from invites.bounces.report import DsnAction, RecipientReport, Report
from invites.core.errors import RuleError
from invites.core.tokens import Purpose, Signer
from invites.invitations import manage
from invites.members import accounts, answers
from invites.models import (
    UNSENT_STATES,
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EmailTokenPurpose,
    Invitation,
    InvitationState,
    Membership,
    Priority,
)
from invites.outbox import batches, claims, outcomes, requeue
from invites.outbox.batches import ACTIVE
from invites.outbox.outcomes import Outcome
from invites.outbox.queue import MAX_DELAY, QueuedMail
from invites.outbox.retry import Attempt, SendResult, decide
from invites.people import email_tokens
from tests.conftest import NOW, SIGNING_KEY
from tests.support.actions import new_profile, send
from tests.support.people import make_user
from tests.support.postgres import sqlite_only

QUEUED, SENDING, SENT = DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SENT
FAILED, UNKNOWN = DeliveryState.FAILED, DeliveryState.UNKNOWN
BOUNCED, WITHDRAWN = DeliveryState.BOUNCED, DeliveryState.WITHDRAWN
CANCELED, HALTED = BatchState.CANCELED, (BatchState.PAUSED, BatchState.STOPPED)

PROBED_SIZE, PROBES = 6, 3  # instead of 50 and 10
MANY = 500
SIGNER = Signer([SIGNING_KEY])

MAX_PEOPLE = 150  # to be quick
LIMITS = (MANY, 1, 2, MANY, 3)
SIZES = (PROBED_SIZE, 2, PROBED_SIZE + 3, 1, 3)
HOURS = (0.1, 5, 0.1, 24, -0.1, 5, 15 * 24, -2, -48)


class Row(NamedTuple):
    """What the database has about a mail, its batch and its invitation."""

    id: int
    state: str
    attempts: int
    unknown_outcomes: int
    claimed_by: int | None
    due_at: int
    priority: int
    account: int | None
    batch: int | None
    batch_state: str | None
    invitation_state: str | None
    expires_at: int | None

    @property
    def is_bulk(self):
        return self.priority == Priority.BULK

    @property
    def is_canceled(self):
        return self.is_bulk and self.batch_state == CANCELED

    def is_over(self, now):
        return self.invitation_state is not None and (
            self.invitation_state != InvitationState.PENDING
            or self.expires_at <= Delivery.due_at.db_value(now)
        )

    def is_due(self, now):
        moment, too_far_ahead = map(Delivery.due_at.db_value, (now, now + MAX_DELAY))
        return self.due_at <= moment or self.due_at > too_far_ahead


SELECT_ROWS = """
SELECT delivery.id, delivery.state, attempts, unknown_outcomes, claimed_by, due_at, priority,
    delivery.account_id, delivery.batch_id, batch.state, invitation.state, expires_at
FROM delivery LEFT JOIN batch ON batch.id = delivery.batch_id
LEFT JOIN invitation ON invitation.id = delivery.invitation_id ORDER BY delivery.id"""


@dataclass
class Expected:
    """``appended``: the outcome of its claim, not folded yet."""

    state: str = QUEUED
    attempts: int = 0
    unknown_outcomes: int = 0
    claimed_by: int | None = None
    appended: tuple[str, int, int] | None = None

    def fold(self):
        if self.appended:
            self.state, self.attempts, self.unknown_outcomes = self.appended
            self.appended = None


@dataclass
class Worker:
    """``claimed``: mails without an outcome, which it sends or has sent."""

    number: int
    claimed: list[QueuedMail] = field(default_factory=list)
    last_account: int = 0


class DeliveryModel(RuleBasedStateMachine):
    def __init__(self, first_batches, path):
        super().__init__()
        shutil.copy(first_batches, path)
        db.configure(path, durable=False)
        db.connect()
        self.owners = list(Membership.select().order_by(Membership.id))
        self.now = NOW
        self.people = Invitation.select().count()
        self.worker, self.killed = Worker(1), []
        self.mails = {}  # what is expected of each, by id
        self.add_new_mails()

    def teardown(self):
        try:
            self.send_everything()
        finally:
            db.close()

    # People

    def send_batch(self, number):
        if self.people > MAX_PEOPLE:
            return
        size = SIZES[number % len(SIZES)]
        emails = [f"p{n}@example.org" for n in range(self.people, self.people + size)]
        self.people += size
        send(self.pick(self.owners, number), self.now, *emails)
        self.add_new_mails()

    def ask_for_a_password_link(self, number):
        user = self.pick(self.owners, number).user
        email_tokens.send_link(user, EmailTokenPurpose.RESET_PASSWORD, user.email, self.now)
        self.add_new_mails()

    def revoke(self, number):
        self.manage(manage.revoke, Invitation, number)

    def undo_revoking(self, number):
        self.manage(manage.restore, Invitation, number)
        self.add_new_mails()

    def resend(self, number):
        self.manage(manage.resend, Invitation, number)
        self.add_new_mails()

    def accept(self, number):
        invitation = self.pick(Invitation.select(), number)
        with suppress(RuleError):
            answers.accept_as_new(invitation, new_profile(invitation.email), self.now)

    def pause(self, number):
        self.manage(batches.pause, Batch, number)

    def resume(self, number):
        self.manage(batches.resume, Batch, number)

    def cancel(self, number):
        queued = {row.id: row.batch for row in self.rows() if row.is_bulk and row.state == QUEUED}
        canceled = self.manage(batches.cancel, Batch, number)
        for mail_id, batch_id in queued.items():
            if canceled and batch_id == canceled.id:
                self.mails[mail_id].state = WITHDRAWN

    def retry_failed(self, number):
        ended = {row.id: row.batch for row in self.rows() if row.state in (FAILED, UNKNOWN)}
        retried = self.manage(requeue.retry_failed, Batch, number)
        for row in self.rows():
            if retried and row.state == QUEUED and ended.get(row.id) == retried.id:
                self.mails[row.id] = Expected(claimed_by=row.claimed_by)

    # The mail server and the clock

    def refuse_a_batch(self, number):
        batches.stop(self.pick(Batch.select(), number).id, 550, "5.7.1 Not you")

    def bounce(self, number):
        delivery = self.pick(Delivery.select(), number)
        expected = self.mails[delivery.id]
        about = RecipientReport(frozenset({delivery.recipient}), DsnAction.FAILED, 550, "5.1.1 No")
        origin = SIGNER.token(Purpose.MESSAGE_ID, delivery)
        matching.record(Report(origin, (about,)), SIGNER, self.now)
        may_be_sent = delivery.state == QUEUED and expected.unknown_outcomes
        if expected.state in (SENT, UNKNOWN) or may_be_sent:
            expected.state = BOUNCED

    def set_the_clock(self, number):
        self.now += timedelta(hours=HOURS[number % len(HOURS)])

    # Workers

    def claim(self, number):
        limit = LIMITS[number % len(LIMITS)]
        before = self.rows()
        claimed = claims.claim(self.worker.number, self.now, limit, self.worker.last_account)
        self.fold_expected()
        self.check_claim(before, claimed, limit)
        for mail in claimed:
            self.mails[mail.id].state = SENDING
            self.mails[mail.id].claimed_by = self.worker.number
        self.worker.claimed += claimed

    def append(self, number, result=None):
        result = result or self.pick(SendResult, number)
        for mail in self.append_outcomes(self.worker, number, result):
            expected = self.mails[mail.id]
            state, _retry_at = decide(mail, result, self.now)
            unknown_outcomes = expected.unknown_outcomes + (result is SendResult.OUTCOME_UNKNOWN)
            expected.appended = state, expected.attempts + 1, unknown_outcomes
            if mail.priority == Priority.BULK:
                self.worker.last_account = mail.account_id

    def give_back(self, number):
        kept = number % 4
        given, self.worker.claimed = self.worker.claimed[kept:], self.worker.claimed[:kept]
        claims.give_back(self.worker.number, given, self.now)
        for mail in given:
            self.mails[mail.id].state = QUEUED

    def fold(self, _number):
        with db.transaction():
            outcomes.fold(self.now)
        self.fold_expected()

    def kill_and_recover(self, _number):
        self.killed.append(self.worker)
        self.worker = Worker(self.worker.number + 1)
        self.fold_expected()
        sending = [mail for mail in self.mails.values() if mail.state == SENDING]
        assert claims.recover(self.now) == len(sending)
        for mail in sending:
            mail.state = QUEUED
            mail.unknown_outcomes += 1

    def append_late(self, number):
        """The worker is another one meanwhile, which has recovered the claim."""
        for worker in self.late(number):
            self.append_outcomes(worker, number, self.pick(SendResult, number))

    def give_back_late(self, number):
        for worker in self.late(number):
            claims.give_back(worker.number, worker.claimed, self.now)
            worker.claimed = []

    OFTEN = [*[claim] * 4, *[append] * 5, *[give_back] * 2, *[fold] * 2]
    SOMETIMES = [kill_and_recover, append_late, give_back_late, send_batch, cancel, set_the_clock]
    SELDOM = [ask_for_a_password_link, revoke, undo_revoking, resend, accept, pause, resume]
    SELDOM += [retry_failed, refuse_a_batch, bounce]

    @rule(act=st.sampled_from(OFTEN * 2 + SOMETIMES * 2 + SELDOM), number=st.integers(0, 1000))
    def something_happens(self, act, number):
        """``number``: which of those that there are, and how many."""
        note(act.__name__)
        act(self, number)

    # What has to be true after each of these

    @invariant()
    def every_mail_is_as_expected(self):
        rows = self.rows()
        assert [row.id for row in rows] == list(self.mails)
        for row in rows:
            expected = self.mails[row.id]
            if row.state == WITHDRAWN and expected.state == QUEUED:
                assert row.is_canceled or row.is_over(self.now)
                expected.state = WITHDRAWN
            assert (row.state, row.attempts, row.unknown_outcomes, row.claimed_by) == (
                expected.state,
                expected.attempts,
                expected.unknown_outcomes,
                expected.claimed_by,
            )

    @invariant()
    def every_claimed_mail_is_known_to_the_worker_or_has_an_outcome(self):
        known = {mail.id for mail in self.worker.claimed}
        for row in self.rows():
            if row.state == SENDING:
                assert row.claimed_by == self.worker.number
                assert (row.id in known) is (self.mails[row.id].appended is None)
            else:
                assert row.id not in known

    @invariant()
    def a_canceled_batch_has_no_queued_mail_and_one_that_is_done_has_none_left(self):
        for row in self.rows():
            if row.is_bulk and row.state in UNSENT_STATES:
                assert row.batch_state != BatchState.DONE
                assert row.state == SENDING or row.batch_state != CANCELED

    def check_claim(self, before, claimed, limit):
        """``before``: the rows before the claim, which also folded outcomes."""
        active_before = {row.batch for row in before if row.batch_state in ACTIVE}
        after = {row.id: row for row in self.rows()}
        queued = [row for row in after.values() if self.mails[row.id].state == QUEUED]
        due = [row for row in queued if row.is_due(self.now) and not row.is_over(self.now)]
        claimed_rows = [after[mail.id] for mail in claimed]
        bulk = [row for row in claimed_rows if row.is_bulk]

        assert len(claimed) == len({mail.id for mail in claimed}) <= limit
        assert {row.id for row in claimed_rows} <= {row.id for row in due}
        assert {row.batch for row in bulk} <= active_before
        assert {row.batch_state for row in bulk} <= set(ACTIVE)

        urgent = sorted((row.priority, row.due_at, row.id) for row in due if not row.is_bulk)
        first = [(row.priority, row.due_at, row.id) for row in claimed_rows if not row.is_bulk]
        assert claimed_rows[len(first) :] == bulk
        assert [priority for priority, *_ in first] == [each[0] for each in urgent[: len(first)]]
        if bulk:
            assert len(first) == len(urgent)

        # Each account with due mail has a turn before any has a second one.
        ready = [row for row in due if row.is_bulk and row.batch_state == BatchState.RUNNING]
        skipped = {row.account for row in queued if row.is_over(self.now)}
        served = [row.account for row in bulk if row.account not in skipped]
        waiting = {row.account for row in ready} - skipped | set(served)
        last = self.worker.last_account
        turns = sorted(waiting, key=lambda account: (account <= last, account))
        assert served[: len(turns)] == turns[: len(served)]
        assert len(served) >= len(turns) or len(claimed) == limit or (urgent and not bulk)
        assert claimed or not (ready or urgent)
        for account in {row.account for row in bulk}:
            [batch] = {row.batch for row in bulk if row.account == account}
            assert batch == min(row.batch for row in (*ready, *bulk) if row.account == account)

    # Shorthands

    def send_everything(self):
        """Then every mail is done, and so are the batches."""
        done = {BatchState.DONE, CANCELED}
        for _ in range(100):
            for batch in Batch.select().where(Batch.state.in_(HALTED)):
                batches.resume(self.owner_of(batch), batch, self.now)
            self.claim(0)
            if {batch.state for batch in Batch.select()} <= done:
                break
            if not self.worker.claimed:
                self.now += MAX_DELAY
            while self.worker.claimed:
                self.append(3, SendResult.SENT)
        self.every_mail_is_as_expected()
        assert {batch.state for batch in Batch.select()} <= done
        assert not [row for row in self.rows() if row.is_bulk and row.state in UNSENT_STATES]

    def append_outcomes(self, worker, number, result):
        """Of some of its first mails."""
        number = 1 + number % 4
        done, worker.claimed = worker.claimed[:number], worker.claimed[number:]
        attempt = Attempt(result, 250, "2.0.0 Ok")
        if done:
            outcomes.append(worker.number, [Outcome(mail, attempt) for mail in done], self.now)
        return done

    def late(self, number):
        """One of the killed workers that had claimed mails, if any."""
        late = [worker for worker in self.killed if worker.claimed]
        return [self.pick(late, number)] if late else []

    def fold_expected(self):
        for mail in self.mails.values():
            mail.fold()

    def add_new_mails(self):
        for row in self.rows():
            self.mails.setdefault(row.id, Expected())

    def rows(self):
        return [Row(*values) for values in db.select(SELECT_ROWS, ())]

    def manage(self, act, model, number):
        """Returns the invitation or batch, or None if the owner may not do that to it now."""
        row = self.pick(model.select(), number)
        with suppress(RuleError):
            act(self.owner_of(row), row, self.now)
            return row

    def owner_of(self, row):
        return next(owner for owner in self.owners if owner.account_id == row.account_id)

    def pick(self, choices, number):
        choices = list(choices)
        return choices[number % len(choices)]


@pytest.fixture
def first_batches(database, monkeypatch):
    """A database with a batch in each of three accounts; one begins with probes."""
    monkeypatch.setattr(batches, "PROBED_SIZE", PROBED_SIZE)
    monkeypatch.setattr(batches, "PROBES", PROBES)
    monkeypatch.setattr(batches.log, "disabled", True)
    for n, size in enumerate([PROBED_SIZE + 3, 4, 2]):
        account = accounts.create(f"A{n}", make_user("Zoe", f"zoe{n}@example.org", NOW), NOW)
        emails = [f"of{n}p{person}@example.org" for person in range(size)]
        send(Membership.get(Membership.account == account), NOW, *emails)
    db.close()
    return database


@sqlite_only
def test_each_mail_is_queued_claimed_or_done_whatever_happens(first_batches, tmp_path):
    run_state_machine_as_test(
        partial(DeliveryModel, first_batches, tmp_path / "invites.sqlite3"),
        settings=settings(
            max_examples=12, stateful_step_count=150, phases=[Phase.generate, Phase.shrink]
        ),
    )
