"""The absolute links that leave the box, and what they open when they come back.

Never from a Host header.
"""

from dataclasses import dataclass
from typing import TypeVar

from peewee import ModelSelect

from invites.core.tokens import Purpose, Signable, Signer, row_id
from invites.models import Account, EmailToken, EmailTokenPurpose, Invitation, PermanentLink, User

R = TypeVar("R", Invitation, PermanentLink, EmailToken)

_EMAIL_TOKEN = {
    EmailTokenPurpose.CONFIRM_EMAIL: (Purpose.CONFIRM_EMAIL, "confirm-email"),
    EmailTokenPurpose.RESET_PASSWORD: (Purpose.RESET_PASSWORD, "password-reset"),
}


@dataclass(frozen=True)
class Links:
    """Builds links below ``base_url``, like https://invites.example.org, and opens them."""

    base_url: str
    signer: Signer

    def mailed_invitation(self, invitation: Signable) -> str:
        """The link in the mail: whoever has it reads that mailbox."""
        return self._to("invitation", self.signer.token(Purpose.MAILED_INVITATION, invitation))

    def copied_invitation(self, invitation: Invitation) -> str:
        """The link that an admin copies: it proves nothing about a mailbox."""
        return self._to("invitation", self.signer.token(Purpose.COPIED_INVITATION, invitation))

    def unsubscribe(self, invitation: Signable) -> str:
        """The link in the mail for whoever doesn't want to be invited again."""
        return self._to("unsubscribe", self.signer.token(Purpose.UNSUBSCRIBE, invitation))

    def permanent(self, link: PermanentLink) -> str:
        """The account's join link."""
        return self._to("join", self.signer.token(Purpose.PERMANENT_LINK, link))

    def email_token(self, email_token: EmailToken) -> str:
        """The link that proves a mailbox."""
        purpose, path = _EMAIL_TOKEN[EmailTokenPurpose(email_token.purpose)]
        return self._to(path, self.signer.token(purpose, email_token))

    def opened_invitation(self, token: str) -> tuple[Invitation, bool] | None:
        """The invitation of a token, and whether by the mailed link."""
        mailed, copied = Purpose.MAILED_INVITATION, Purpose.COPIED_INVITATION
        found = self._row(Invitation.with_account_and_inviter(), token, mailed, copied)
        return (found, self.signer.matches(token, mailed, found)) if found else None

    def opened_unsubscribe(self, token: str) -> Invitation | None:
        """The invitation, however it stands, whose mail had the link of a token."""
        return self._row(Invitation.with_account_and_inviter(), token, Purpose.UNSUBSCRIBE)

    def opened_permanent(self, token: str) -> PermanentLink | None:
        """The permanent link of a token, unless it was deleted."""
        working = (
            PermanentLink.select(PermanentLink, Account)
            .join(Account)
            .where(PermanentLink.deleted_at.is_null())
        )
        return self._row(working, token, Purpose.PERMANENT_LINK)

    def opened_email_token(self, token: str, purpose: EmailTokenPurpose) -> EmailToken | None:
        """The proof of a token."""
        return self._row(
            EmailToken.select(EmailToken, User).join(User), token, _EMAIL_TOKEN[purpose][0]
        )

    def account(self, account: Account) -> str:
        """The account's own page, where the way to the assignments is."""
        return f"{self.base_url}/accounts/{account.slug}/"

    def accounts(self) -> str:
        """The page with all accounts of whoever is logged in."""
        return f"{self.base_url}/accounts"

    def forgotten_password(self) -> str:
        """The page where anybody asks for a new password."""
        return f"{self.base_url}/password-reset"

    def two_step(self) -> str:
        """The page where somebody sets up a second step of their own."""
        return f"{self.base_url}/profile/two-step"

    def _row(self, rows: "ModelSelect[R]", token: str, *purposes: Purpose) -> R | None:
        """The one of ``rows`` that ``token`` is for; None when it is forged or mistyped."""
        row: R | None = rows.where(rows.model.id == row_id(token)).get_or_none()
        if row is None or not any(self.signer.matches(token, one, row) for one in purposes):
            return None
        return row

    def _to(self, path: str, token: str) -> str:
        return f"{self.base_url}/{path}/{token}"
