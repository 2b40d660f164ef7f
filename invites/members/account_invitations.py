"""The invitations of one account, with their newest deliveries and with flags."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import fn

from invites import db
from invites.authorization import authority
from invites.core.addresses import spellings
from invites.core.paging import Page, paged
from invites.invitations import unsubscribe
from invites.members.account_rows import found
from invites.models import Account, Delivery, Invitation, InvitationStatus, User
from invites.outbox import deliveries


class Flag(StrEnum):
    """NO_AUTHORITY: an open invitation that can't be accepted (see ``authority``)."""

    FAILED = "failed"
    NO_AUTHORITY = "without_authority"


@dataclass(frozen=True)
class ListedInvitation:
    """``lacks_authority``: see NO_AUTHORITY."""

    invitation: Invitation
    delivery: Delivery | None
    is_unsubscribed: bool
    lacks_authority: bool


@dataclass(frozen=True)
class AccountInvitations:
    account: Account

    def find(self, invitation_id: int) -> Invitation:
        return found(
            Invitation.with_account_and_inviter().where(
                Invitation.id == invitation_id, Invitation.account == self.account
            )
        )

    def page(
        self, number: int, *, which: InvitationStatus | Flag | None, search: str, now: datetime
    ) -> Page[ListedInvitation]:
        """Newest first."""
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
            name_matches = (Invitation.name != "") & db.contains(Invitation.name, search)
            query = query.where(db.address_contains(Invitation.email, search) | name_matches)
        page = paged(query.order_by(Invitation.id.desc()), number)
        return Page(self._listed(page.rows, now), page.number, page.total)

    def listed(self, invitation: Invitation, now: datetime) -> ListedInvitation:
        return self._listed([invitation], now)[0]

    def totals(self, now: datetime) -> dict[InvitationStatus, int]:
        return statuses(Invitation.account == self.account, now)

    def flag_totals(self, now: datetime) -> dict[Flag, int]:
        mine = Invitation.select().where(Invitation.account == self.account)
        return {flag: int(mine.where(self._has(flag, now)).count()) for flag in Flag}

    def _listed(self, invitations: Sequence[Invitation], now: datetime) -> list[ListedInvitation]:
        ids = [invitation.id for invitation in invitations]
        newest = _newest_deliveries(ids)
        emails = spellings(invitation.email for invitation in invitations)
        unsubscribed = spellings(unsubscribe.unsubscribed(self.account, emails))
        lacking = Invitation.select(Invitation.id).where(
            Invitation.id.in_(ids), authority.without_authority(now)
        )
        lacking_ids = {number for (number,) in db.tuples(lacking)}
        return [
            ListedInvitation(
                one, newest.get(one.id), one.email in unsubscribed, one.id in lacking_ids
            )
            for one in invitations
        ]

    def _has(self, flag: Flag, now: datetime) -> Any:
        if flag is Flag.NO_AUTHORITY:
            return authority.without_authority(now)
        failed = Delivery.select(Delivery.invitation).where(
            Delivery.account == self.account,
            deliveries.HAS_FAILED,
            Delivery.invitation.is_null(False),
            deliveries.is_newest_mail(),
        )
        return Invitation.id.in_(failed)


def statuses(which: Any, now: datetime) -> dict[InvitationStatus, int]:
    """``which``: a condition on invitations."""
    status = Invitation.status_at(now)
    counted = Invitation.select(status, fn.COUNT(Invitation.id)).where(which).group_by(status)
    return dict.fromkeys(InvitationStatus, 0) | {
        InvitationStatus(s): n for s, n in db.tuples(counted)
    }


def _newest_deliveries(invitation_ids: list[int]) -> dict[int, Delivery]:
    newest = Delivery.select().where(
        Delivery.invitation.in_(invitation_ids), deliveries.is_newest_mail()
    )
    return {int(mail.invitation_id or 0): mail for mail in newest}
