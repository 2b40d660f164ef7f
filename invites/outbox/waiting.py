"""Mail that waits for a mail server to be configured."""

from invites import db
from invites.core.paging import Page, paged
from invites.models import Account, Delivery
from invites.outbox import enqueue


def page(number: int) -> Page[Delivery]:
    """One page of it, newest first."""
    return paged(
        Delivery.select(Delivery, Account)
        .join(Account, db.LEFT_OUTER)
        .where(enqueue.IS_QUEUED)
        .order_by(Delivery.id.desc()),
        number,
    )


def find(delivery_id: int) -> Delivery | None:
    """One of them."""
    waiting: Delivery | None = db.one(
        Delivery.select().where(Delivery.id == delivery_id, enqueue.IS_QUEUED)
    )
    return waiting
