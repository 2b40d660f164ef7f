"""The only door to an account's rows: somebody else's id answers like one that doesn't exist."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from peewee import Model, ModelSelect, fn

from invites import db
from invites.models import (
    Account,
    Batch,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    Membership,
    User,
)
from invites.refusals import Reason, Refused

PAGE_SIZE = 50

T = TypeVar("T")
R = TypeVar("R", bound=Model)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list: its rows, and where it stands in the whole."""

    rows: list[T]
    number: int
    total: int

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    @property
    def first(self) -> int:
        """The place of the first row, counted from 1; 0 on an empty page."""
        return (self.number - 1) * PAGE_SIZE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The place of the last row."""
        return (self.number - 1) * PAGE_SIZE + len(self.rows)

    @property
    def has_next(self) -> bool:
        """Whether more rows follow."""
        return self.last < self.total


@dataclass(frozen=True)
class Listed:
    """An invitation in a list, with the newest of its mails."""

    invitation: Invitation
    delivery: Delivery | None


class Scope:
    """Everything that belongs to one account."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def invitation(self, invitation_id: int) -> Invitation:
        """Raises Refused(NOT_FOUND)."""
        return _found(
            Invitation.select(Invitation, User, Account)
            .join(User, on=(Invitation.inviter == User.id))
            .switch(Invitation)
            .join(Account)
            .where(Invitation.id == invitation_id, Invitation.account == self.account)
        )

    def batch(self, batch_id: int) -> Batch:
        """Raises Refused(NOT_FOUND)."""
        return _found(
            Batch.select(Batch, User)
            .join(User)
            .where(Batch.id == batch_id, Batch.account == self.account)
        )

    def membership(self, membership_id: int) -> Membership:
        """Raises Refused(NOT_FOUND)."""
        return _found(
            Membership.select(Membership, User)
            .join(User)
            .where(Membership.id == membership_id, Membership.account == self.account)
        )

    def members(self, *, active: bool, search: str, page: int) -> Page[Membership]:
        """Active or inactive members by name, those whose name or address contains ``search``."""
        query = (
            Membership.select(Membership, User, Invitation)
            .join(User)
            .switch(Membership)
            .left_outer_join(Invitation)
            .where(Membership.account == self.account, Membership.deactivated_at.is_null(active))
        )
        if search:
            query = query.where(User.name.contains(search) | User.email.contains(search))
        return paged(query.order_by(fn.LOWER(User.name), Membership.id), page)

    def invitations(
        self,
        *,
        standing: InvitationState | None,
        failed: bool,
        search: str,
        page: int,
        now: datetime,
    ) -> Page[Listed]:
        """Invitations, newest first: of one standing, or whose last mail failed or came back."""
        query = (
            Invitation.select(Invitation, User)
            .join(User, on=(Invitation.inviter == User.id))
            .where(Invitation.account == self.account)
        )
        if standing is not None:
            query = query.where(_stands(standing, now))
        if failed:
            query = query.where(Invitation.id.in_(self._failed_invitations()))
        if search:
            query = query.where(Invitation.email.contains(search))
        found = paged(query.order_by(Invitation.id.desc()), page)
        newest = newest_deliveries([invitation.id for invitation in found])
        rows = [Listed(invitation, newest.get(invitation.id)) for invitation in found]
        return Page(rows, found.number, found.total)

    def invitation_totals(self, now: datetime) -> dict[InvitationState, int]:
        """How many invitations stand where; expired ones are not counted as pending."""
        by_state = (
            Invitation.select(Invitation.state, fn.COUNT(Invitation.id))
            .where(Invitation.account == self.account)
            .group_by(Invitation.state)
        )
        totals = {InvitationState(state): count for state, count in db.tuples(by_state)}
        expired = (
            Invitation.select()
            .where(Invitation.account == self.account, _stands(InvitationState.EXPIRED, now))
            .count()
        )
        totals[InvitationState.EXPIRED] = expired
        totals[InvitationState.PENDING] = totals.get(InvitationState.PENDING, 0) - expired
        return totals

    def failed_total(self) -> int:
        """How many invitations' last mail failed or came back."""
        return int(self._failed_invitations().count())

    def batches(self, limit: int = 10) -> list[Batch]:
        """The newest batches."""
        return list(
            Batch.select(Batch, User)
            .join(User)
            .where(Batch.account == self.account)
            .order_by(Batch.id.desc())
            .limit(limit)
        )

    def _failed_invitations(self) -> Any:
        newer = Delivery.alias()
        return Delivery.select(Delivery.invitation).where(
            Delivery.account == self.account,
            Delivery.state.in_((DeliveryState.FAILED, DeliveryState.BOUNCED)),
            Delivery.invitation.is_null(False),
            ~fn.EXISTS(
                newer.select(newer.id).where(
                    newer.invitation == Delivery.invitation, newer.id > Delivery.id
                )
            ),
        )


def newest_deliveries(invitation_ids: list[int]) -> dict[int, Delivery]:
    """The newest mail of each invitation."""
    newest = (
        Delivery.select(fn.MAX(Delivery.id))
        .where(Delivery.invitation.in_(invitation_ids))
        .group_by(Delivery.invitation)
    )
    return {int(d.invitation_id or 0): d for d in Delivery.select().where(Delivery.id.in_(newest))}


def _stands(standing: InvitationState, now: datetime) -> Any:
    pending = Invitation.state == InvitationState.PENDING
    if standing is InvitationState.PENDING:
        return pending & (Invitation.expires_at > now)
    if standing is InvitationState.EXPIRED:
        return pending & (Invitation.expires_at <= now)
    return Invitation.state == standing


def _found(query: "ModelSelect[R]") -> R:
    row: R | None = db.one(query)
    if row is None:
        raise Refused(Reason.NOT_FOUND)
    return row


def paged(query: Any, number: int) -> Page[Any]:
    """Page ``number`` of a query, counted from 1; a number beyond the end gives the last page."""
    total = query.count()
    number = min(max(number, 1), max((total - 1) // PAGE_SIZE + 1, 1))
    return Page(list(query.paginate(number, PAGE_SIZE)), number, total)
