"""The batches of one account, with the numbers of their mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from invites import db
from invites.core.paging import Page, paged
from invites.members.account_rows import found
from invites.models import (
    Account,
    Batch,
    Delivery,
    DeliveryState,
    Invitation,
    InvitationState,
    User,
)
from invites.outbox import deliveries

_PAGE_SIZE = 20  # small, because each batch's people are counted
# The list doesn't show the skipped entries, which may be long.
_LISTED = [field for field in Batch._meta.sorted_fields if field is not Batch.skipped]


@dataclass(frozen=True)
class ListedBatch:
    """``mails``: how many emails were sent. ``undelivered``: see ``undelivered_to``."""

    batch: Batch
    people: int
    mails: int
    undelivered: int = 0


@dataclass(frozen=True)
class AccountBatches:
    account: Account

    def find(self, batch_id: int) -> Batch:
        return found(
            Batch.select(Batch, User)
            .join(User)
            .where(Batch.id == batch_id, Batch.account == self.account)
        )

    def page(self, number: int, *, size: int = _PAGE_SIZE) -> Page[ListedBatch]:
        """Newest first."""
        query = (
            Batch.select(*_LISTED, User)
            .join(User)
            .where(Batch.account == self.account)
            .order_by(Batch.id.desc())
        )
        page = paged(query, number, size=size)
        ids = [batch.id for batch in page]
        counts = people_of(ids), sent_mails_of(ids), undelivered_to(ids)
        listed = [ListedBatch(one, *(count.get(one.id, 0) for count in counts)) for one in page]
        return Page(listed, page.number, page.total, page.size)


def people_of(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many people were or will be mailed, by batch id."""
    is_included = Delivery.batch.in_(batch_ids)
    return _by_batch(fn.COUNT(Delivery.invitation.distinct()), is_included)


def sent_mails_of(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many mails were sent, by batch id."""
    is_sent = Delivery.state == DeliveryState.SENT
    return _by_batch(fn.COUNT(Delivery.id), Delivery.batch.in_(batch_ids) & is_sent)


def undelivered_to(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many people haven't answered and have a failed mail or one on hold, by batch id."""
    is_open = Invitation.select().where(
        Invitation.id == Delivery.invitation, Invitation.state == InvitationState.PENDING
    )
    which = Delivery.batch.in_(batch_ids) & (deliveries.HAS_FAILED | deliveries.IS_ON_HOLD)
    which &= fn.EXISTS(is_open) & deliveries.is_newest_mail(of_batch=True)
    return _by_batch(fn.COUNT(Delivery.id), which)


def _by_batch(count: Any, which: Any) -> dict[int, int]:
    counted = Delivery.select(Delivery.batch, count).where(which).group_by(Delivery.batch)
    return dict(db.tuples(counted))
