"""Helpers that many tests of rules share."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

import pytest

from invites import db
from invites.core.errors import Reason, RuleError
from invites.core.roles import Role
from invites.invitations import send_invitations
from invites.invitations.send_invitations import Approval, InvitationRequest
from invites.lists.entries import Entry
from invites.models import (
    ON_REQUEST,
    Account,
    AuditEntry,
    Batch,
    Delivery,
    EmailToken,
    EntryOutcome,
    Invitation,
    Membership,
    User,
)
from invites.outbox import batches, claims, outcomes, queue
from invites.outbox.outcomes import Outcome
from invites.outbox.queue import QueuedMail
from invites.outbox.retry import Attempt, SendResult
from invites.people import confirmation
from invites.people.profiles import NewProfile
from tests.support.people import PASSWORD, password_hash

WORKER = 1  # the number of the worker that tests simulate


@contextmanager
def refused(reason: Reason) -> Iterator[pytest.ExceptionInfo[RuleError]]:
    with pytest.raises(RuleError) as caught:
        yield caught
    assert caught.value.reason is reason


@contextmanager
def ends_soon() -> Iterator[None]:
    """The block ends within 20 seconds, even on a slow machine. Quadratic work takes longer.

    The benchmarks in bench/ measure how long it takes.
    """
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 20


def invitation_request(
    *emails: str,
    role: Role = Role.USER,
    key: str = "",
    also: frozenset[EntryOutcome] = frozenset(),
    approval: Approval | None = None,
) -> InvitationRequest:
    entries = [Entry(email) for email in emails]
    return InvitationRequest(
        key=key or uuid4().hex, entries=entries, role=role, also=also, approval=approval
    )


def send(actor: Membership, now: datetime, *emails: str, role: Role = Role.USER) -> Batch:
    return send_invitations.send(
        actor, invitation_request(*emails, role=role, also=ON_REQUEST), now
    )


def invite(
    actor: Membership, now: datetime, email: str = "new@example.org", role: Role = Role.USER
) -> Invitation:
    return Invitation.get(Invitation.batch == send(actor, now, email, role=role))


def new_profile(email: str = "new@example.org", name: str = "Noa New") -> NewProfile:
    return NewProfile(name, email, "", password_hash())


def confirm(email_token: EmailToken, now: datetime, password: str = PASSWORD) -> User:
    """Opens a confirmation link and enters the password."""
    checked = confirmation.check_password(email_token.user, password)
    return confirmation.confirm_email(email_token, checked, now)


def due(now: datetime) -> list[QueuedMail]:
    batches.advance()
    return queue.due(now, 1000)


def finish(
    mails: Sequence[QueuedMail],
    result: SendResult,
    now: datetime,
    code: int | None = None,
    text: str = "",
) -> None:
    """Records the result of emails that WORKER claimed."""
    if mails:
        outcomes.append(WORKER, [Outcome(mail, Attempt(result, code, text)) for mail in mails], now)
    with db.transaction():
        outcomes.fold(now)


def attempt(
    mail: Delivery, result: SendResult, now: datetime, code: int | None = None, text: str = ""
) -> None:
    """Sends ``mail`` as the worker does, with this result, if it may be sent."""
    claimed = claims.claim(WORKER, now, 1000)
    claims.give_back(WORKER, [one for one in claimed if one.id != mail.id], now)
    finish([one for one in claimed if one.id == mail.id], result, now, code, text)


def attempt_all(now: datetime, result: SendResult = SendResult.SENT) -> None:
    """Sends everything that is due."""
    finish(claims.claim(WORKER, now, 1000), result, now)


def reread(row):
    return type(row).get_by_id(row.id)


def actions(account: Account) -> list[str]:
    rows = AuditEntry.select().where(AuditEntry.account == account).order_by(AuditEntry.id)
    return [row.action for row in rows]
