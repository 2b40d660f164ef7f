"""The only door to an account's rows: somebody else's id answers like one that doesn't exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from peewee import Model, ModelSelect

from invites import db
from invites.authorization import audit_log, authority
from invites.authorization.audit_log import AuditCategory
from invites.core.errors import Reason, RuleError
from invites.core.paging import Page, paged
from invites.invitations import unsubscribe
from invites.models import (
    Account,
    AuditEntry,
    Batch,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationStatus,
    Membership,
    User,
)
from invites.outbox import progress

R = TypeVar("R", bound=Model)

_BATCHES = 20  # on a page: the people of each are counted
# Who was left out may be long, and no list of batches tells it.
_OF_BATCHES = [field for field in Batch._meta.sorted_fields if field is not Batch.skipped]


class Flag(StrEnum):
    """Why somebody should look at an invitation.

    FAILED: its last mail failed or came back. NO_AUTHORITY: it looks open, and can't be accepted,
    see ``backing``.
    """

    FAILED = "failed"
    NO_AUTHORITY = "without_authority"


@dataclass(frozen=True)
class Listed:
    """An invitation in a list, with the newest of its mails.

    ``is_unsubscribed``: the person asked not to be invited again. ``is_unbacked``: see Flag.
    """

    invitation: Invitation
    delivery: Delivery | None
    is_unsubscribed: bool
    is_unbacked: bool


@dataclass(frozen=True)
class Sent:
    """A batch in a list, how many people it mailed or will mail, and how many mails are out."""

    batch: Batch
    people: int
    mails: int


class Scope:
    """Everything that belongs to one account."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def invitation(self, invitation_id: int) -> Invitation:
        """Raises RuleError(NOT_FOUND)."""
        return _found(
            Invitation.with_account_and_inviter().where(
                Invitation.id == invitation_id, Invitation.account == self.account
            )
        )

    def batch(self, batch_id: int) -> Batch:
        """Raises RuleError(NOT_FOUND)."""
        return _found(
            Batch.select(Batch, User)
            .join(User)
            .where(Batch.id == batch_id, Batch.account == self.account)
        )

    def membership(self, membership_id: int) -> Membership:
        """Raises RuleError(NOT_FOUND)."""
        return _found(
            Membership.select(Membership, User)
            .join(User)
            .where(Membership.id == membership_id, Membership.account == self.account)
        )

    def members(self, *, active: bool, search: str, page: int) -> Page[Membership]:
        """Active or inactive members by name, those whose name or address contains ``search``."""
        query = (
            Membership.select(Membership, User)
            .join(User)
            .where(Membership.account == self.account, Membership.deactivated_at.is_null(active))
        )
        if search:
            query = query.where(
                db.contains(User.name, search) | db.address_contains(User.email, search)
            )
        return paged(query.order_by(db.folded(User.name), Membership.id), page)

    def invitations(
        self,
        *,
        which: InvitationStatus | Flag | None,
        search: str,
        page: int,
        now: datetime,
    ) -> Page[Listed]:
        """Invitations, newest first: all, or of one standing, or with a flag."""
        query = (
            Invitation.select(Invitation, User)
            .join(User, on=(Invitation.inviter == User.id))
            .where(Invitation.account == self.account)
        )
        if isinstance(which, InvitationStatus):
            query = query.where(Invitation.status_at(now) == which)
        if isinstance(which, Flag):
            query = query.where(self._has(which, now))
        if search:
            is_named_so = (Invitation.name != "") & db.contains(Invitation.name, search)
            query = query.where(db.address_contains(Invitation.email, search) | is_named_so)
        found = paged(query.order_by(Invitation.id.desc()), page)
        return Page(self._listed(found.rows, now), found.number, found.total)

    def listed(self, invitation: Invitation, now: datetime) -> Listed:
        """One invitation as its list shows it."""
        return self._listed([invitation], now)[0]

    def _listed(self, found: Sequence[Invitation], now: datetime) -> list[Listed]:
        ids = [invitation.id for invitation in found]
        newest = newest_deliveries(ids)
        out = unsubscribe.unsubscribed(self.account, [invitation.email for invitation in found])
        dead = Invitation.select(Invitation.id).where(
            Invitation.id.in_(ids), authority.without_authority(now)
        )
        without_authority = {number for (number,) in db.tuples(dead)}
        return [
            Listed(one, newest.get(one.id), one.email in out, one.id in without_authority)
            for one in found
        ]

    def invitation_totals(self, now: datetime) -> dict[InvitationStatus, int]:
        """How many invitations stand where."""
        return progress.statuses(Invitation.account == self.account, now)

    def flag_totals(self, now: datetime) -> dict[Flag, int]:
        """How many invitations have which flag."""
        mine = Invitation.select().where(Invitation.account == self.account)
        return {flag: int(mine.where(self._has(flag, now)).count()) for flag in Flag}

    def batches(self, page: int, size: int = _BATCHES) -> Page[Sent]:
        """The batches, newest first."""
        query = (
            Batch.select(*_OF_BATCHES, User)
            .join(User)
            .where(Batch.account == self.account)
            .order_by(Batch.id.desc())
        )
        found = paged(query, page, size=size)
        ids = [batch.id for batch in found]
        people, mails = progress.people_of(ids), progress.sent_mails_of(ids)
        sent = [Sent(one, people.get(one.id, 0), mails.get(one.id, 0)) for one in found]
        return Page(sent, found.number, found.total, found.size)

    def audit_log(self, category: AuditCategory | None, search: str, page: int) -> Page[AuditEntry]:
        """See audit_log.entries."""
        return paged(audit_log.entries(self.account, category, search), page)

    def _has(self, flag: Flag, now: datetime) -> Any:
        if flag is Flag.NO_AUTHORITY:
            return authority.without_authority(now)
        failed = Delivery.select(Delivery.invitation).where(
            Delivery.account == self.account,
            Delivery.state.in_((DeliveryState.FAILED, DeliveryState.BOUNCED)),
            Delivery.invitation.is_null(False),
            progress.is_newest_mail(),
        )
        return Invitation.id.in_(failed)


def newest_deliveries(invitation_ids: list[int]) -> dict[int, Delivery]:
    """The newest mail of each invitation."""
    newest = Delivery.select().where(
        Delivery.invitation.in_(invitation_ids), progress.is_newest_mail()
    )
    return {int(mail.invitation_id or 0): mail for mail in newest}


def _found(query: "ModelSelect[R]") -> R:
    row: R | None = query.get_or_none()
    if row is None:
        raise RuleError(Reason.NOT_FOUND)
    return row
