"""An account with 100,000 members and 200,000 earlier invitations, and a list of 50,000 for it."""

from datetime import datetime

from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations.send_invitations import LIFETIME
from invites.members import accounts
from invites.models import (
    Account,
    Batch,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Invitation,
    InvitationState,
    JoinedBy,
    Membership,
    UnsubscribedAddress,
    User,
)
from invites.people import profiles
from invites.people.profiles import NewProfile

MEMBERS = 100_000
EARLIER = 200_000
ROWS = 50_000

_MAILED_TODAY = tuple(range(109_501, 109_600))
_STATES = (
    InvitationState.PENDING,
    InvitationState.ACCEPTED,
    InvitationState.DECLINED,
    InvitationState.REVOKED,
)


def make_large_account() -> Account:
    now = utcnow()
    with db.transaction():
        olive = NewProfile("Olive", "olive@example.org", "", "")
        owner = profiles.create(olive, now, confirmed=True)
        account = accounts.create("Riverside Relief", owner, now)
        batch = Batch.create(
            account=account, inviter=owner, role=Role.USER, key="", file_name="", skipped={},
            created_at=now,
        )  # fmt: skip
        _add_members(account, owner.id + 1)
        _invite(batch, now)
        unsubscribed = ((account.id, _email(109_000 + n), 0) for n in range(500))
        db.insert_rows(UnsubscribedAddress, ("account_id", "email", "created_at"), unsubscribed)
    return account


def texts() -> list[str]:
    """Members, invited and new people, duplicates and invalid addresses, mixed."""
    numbers = [*range(10_000), *range(95_000, 110_000), *range(400_000, 423_000), *range(1_000)]
    wrong = [f"person {n}@gmial.com" if n % 2 else f"person{n}@gmial.com" for n in range(1_000)]
    found = [_email(number) for number in numbers] + wrong
    return [found[place * 7 % ROWS] for place in range(ROWS)]


def _email(number: int) -> str:
    return f"volunteer{number * 7919 % 1_000_003}@town{number % 300}.example"


def _add_members(account: Account, first_id: int) -> None:
    """Every tenth member is inactive."""
    columns = ("id", "name", "email", "phone", "password_hash", "is_installer", "created_at")
    people = ((first_id + n, "Ada", _email(n), "", "", 0, 0) for n in range(MEMBERS))
    db.insert_rows(User, columns, people)
    db.insert_rows(
        Membership,
        ("account_id", "user_id", "role", "joined_by", "joined_at", "deactivated_at"),
        (
            (account.id, first_id + n, Role.USER, JoinedBy.INVITATION, 0, None if n % 10 else 1)
            for n in range(MEMBERS)
        ),
    )


def _invite(batch: Batch, now: datetime) -> None:
    """Earlier invitations, half of them to members. Every hundredth email bounced.

    A few people got three emails today.
    """
    created = Invitation.created_at.db_value(now)
    expiry = Invitation.expires_at.db_value(now + LIFETIME)
    columns = (
        *("account_id", "batch_id", "inviter_id", "email", "name", "role"),
        *("state", "created_at", "expires_at", "answered_at"),
    )
    fixed = (batch.account_id, batch.id, batch.inviter_id)
    rows = []
    for n in range(EARLIER):
        state = InvitationState.ACCEPTED if n < MEMBERS else _STATES[n % 4]
        answered = created if state is InvitationState.DECLINED else None
        rows.append((*fixed, _email(n), "", Role.USER, state, created, expiry, answered))
    db.insert_rows(Invitation, columns, rows)
    mail_columns = (
        *("kind", "recipient", "account_id", "batch_id", "invitation_id", "state"),
        *("priority", "attempts", "unknown_outcomes", "due_at", "created_at", "reply_text"),
    )
    mails = (
        (
            *(DeliveryKind.INVITATION, _email(n), batch.account_id, batch.id, n + 1),
            DeliveryState.SENT if n % 100 else DeliveryState.BOUNCED,
            *(20, 1, 0, created, created, ""),
        )
        for n in (*range(EARLIER), *_MAILED_TODAY * 2)
    )
    db.insert_rows(Delivery, mail_columns, mails)
