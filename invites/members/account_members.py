"""The members of one account."""

from dataclasses import dataclass

from peewee import ModelSelect

from invites import db
from invites.core.paging import Page, paged
from invites.members.account_rows import found
from invites.models import Account, Membership, User


@dataclass(frozen=True)
class AccountMembers:
    account: Account

    def find(self, membership_id: int) -> Membership:
        return found(self._all().where(Membership.id == membership_id))

    def page(self, number: int, *, active: bool, search: str) -> Page[Membership]:
        """Sorted by name. ``search`` matches the name or the address."""
        query = self._all().where(Membership.deactivated_at.is_null(active))
        if search:
            query = query.where(
                db.contains(User.name, search) | db.address_contains(User.email, search)
            )
        return paged(query.order_by(db.folded(User.name), Membership.id), number)

    def _all(self) -> "ModelSelect[Membership]":
        return (
            Membership.select(Membership, User).join(User).where(Membership.account == self.account)
        )
