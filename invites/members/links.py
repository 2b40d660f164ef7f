"""Builds the absolute links in emails and on pages, and finds the rows of their tokens.

They start with the configured base URL, never with a Host header.
"""

from dataclasses import dataclass
from typing import TypeVar

from peewee import ModelSelect

from invites.core.numbers import whole_number
from invites.core.tokens import Purpose, Signable, Signer, row_id
from invites.models import (
    Account,
    EmailToken,
    EmailTokenPurpose,
    Invitation,
    Membership,
    PermanentLink,
    User,
)

R = TypeVar("R", Invitation, PermanentLink, EmailToken)

_EMAIL_TOKEN = {
    EmailTokenPurpose.CONFIRM_EMAIL: (Purpose.CONFIRM_EMAIL, "confirm-email"),
    EmailTokenPurpose.RESET_PASSWORD: (Purpose.RESET_PASSWORD, "password-reset"),
}


@dataclass(frozen=True)
class OpenedInvitation:
    """``copier``: the member who copied the link; None if it was mailed."""

    token: str
    invitation: Invitation
    copier: Membership | None

    @property
    def proves_mailbox(self) -> bool:
        return self.copier is None


@dataclass(frozen=True)
class Links:
    base_url: str
    signer: Signer

    def mailed_invitation(self, invitation: Signable) -> str:
        """Opening it proves access to the mailbox."""
        return self._to("invitation", self.signer.token(Purpose.MAILED_INVITATION, invitation))

    def copied_invitation(self, invitation: Invitation, copier: Membership) -> str:
        """Opening it proves nothing, because ``copier`` has seen it. Contains the copier's id."""
        own = self.signer.token(Purpose.COPIED_INVITATION, invitation, _holder(copier))
        return self._to("invitation", f"{copier.id}.{own}")

    def unsubscribe(self, invitation: Signable) -> str:
        return self._to("unsubscribe", self.signer.token(Purpose.UNSUBSCRIBE, invitation))

    def permanent(self, link: PermanentLink) -> str:
        return self._to("join", self.signer.token(Purpose.PERMANENT_LINK, link))

    def email_token(self, email_token: EmailToken) -> str:
        """Opening it proves access to the mailbox."""
        purpose, path = _EMAIL_TOKEN[EmailTokenPurpose(email_token.purpose)]
        return self._to(path, self.signer.token(purpose, email_token))

    def opened_invitation(self, token: str) -> OpenedInvitation | None:
        """An invitation of any status. ``copier`` may have lost the right to copy it."""
        copier_id, dot, own = token.rpartition(".")
        copier = _copier(copier_id) if dot else None
        if dot and copier is None:
            return None
        purpose = Purpose.COPIED_INVITATION if copier else Purpose.MAILED_INVITATION
        holder = _holder(copier) if copier else ""
        found = self._row(Invitation.with_account_and_inviter(), own, purpose, holder)
        return OpenedInvitation(token, found, copier) if found else None

    def opened_unsubscribe(self, token: str) -> Invitation | None:
        """An invitation of any status."""
        return self._row(Invitation.with_account_and_inviter(), token, Purpose.UNSUBSCRIBE)

    def opened_permanent(self, token: str) -> PermanentLink | None:
        working = (
            PermanentLink.select(PermanentLink, Account)
            .join(Account)
            .where(PermanentLink.deleted_at.is_null())
        )
        return self._row(working, token, Purpose.PERMANENT_LINK)

    def opened_email_token(self, token: str, purpose: EmailTokenPurpose) -> EmailToken | None:
        return self._row(
            EmailToken.select(EmailToken, User).join(User), token, _EMAIL_TOKEN[purpose][0]
        )

    def account(self, account: Account) -> str:
        return f"{self.base_url}/accounts/{account.slug}/"

    def accounts(self) -> str:
        return f"{self.base_url}/accounts"

    def forgotten_password(self) -> str:
        return f"{self.base_url}/password-reset"

    def two_step(self) -> str:
        return f"{self.base_url}/profile/two-step"

    def _row(
        self, rows: "ModelSelect[R]", token: str, purpose: Purpose, holder: str = ""
    ) -> R | None:
        row: R | None = rows.where(rows.model.id == row_id(token)).get_or_none()
        is_right = row is not None and self.signer.matches(token, purpose, row, holder)
        return row if is_right else None

    def _to(self, path: str, token: str) -> str:
        return f"{self.base_url}/{path}/{token}"


def _copier(membership_id: str) -> Membership | None:
    members = Membership.select(Membership, User).join(User)
    return members.where(Membership.id == (whole_number(membership_id) or 0)).get_or_none()


def _holder(copier: Membership) -> str:
    """Changes when the member is removed and joins again, so their old links don't work."""
    return f"|{copier.id}|{copier.joined_at.isoformat()}"
