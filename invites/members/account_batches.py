"""The batches of one account."""

from dataclasses import dataclass

from invites.core.paging import Page, paged
from invites.members.account_rows import found
from invites.models import Account, Batch, User
from invites.outbox import progress

_PAGE_SIZE = 20  # small, because each batch's people are counted
# The list doesn't show the skipped entries, which may be long.
_LISTED = [field for field in Batch._meta.sorted_fields if field is not Batch.skipped]


@dataclass(frozen=True)
class ListedBatch:
    """``mails``: how many emails were sent. ``undelivered``: see ``progress.undelivered_to``."""

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
        counts = progress.people_of(ids), progress.sent_mails_of(ids), progress.undelivered_to(ids)
        listed = [ListedBatch(one, *(count.get(one.id, 0) for count in counts)) for one in page]
        return Page(listed, page.number, page.total, page.size)
