"""Builds the absolute links in mails and on pages, and finds the rows of their tokens.

They start with the configured base URL, never with a Host header.
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
    base_url: str
    signer: Signer

    def mailed_invitation(self, invitation: Signable) -> str:
        """Opening it proves the mailbox."""
        return self._to("invitation", self.signer.token(Purpose.MAILED_INVITATION, invitation))

    def copied_invitation(self, invitation: Invitation) -> str:
        """Opening it proves nothing, because the member who copied it saw it."""
        return self._to("invitation", self.signer.token(Purpose.COPIED_INVITATION, invitation))

    def unsubscribe(self, invitation: Signable) -> str:
        return self._to("unsubscribe", self.signer.token(Purpose.UNSUBSCRIBE, invitation))

    def permanent(self, link: PermanentLink) -> str:
        return self._to("join", self.signer.token(Purpose.PERMANENT_LINK, link))

    def email_token(self, email_token: EmailToken) -> str:
        """Opening it proves the mailbox."""
        purpose, path = _EMAIL_TOKEN[EmailTokenPurpose(email_token.purpose)]
        return self._to(path, self.signer.token(purpose, email_token))

    def opened_invitation(self, token: str) -> tuple[Invitation, bool] | None:
        """The invitation, and whether the token is from the mailed link."""
        mailed, copied = Purpose.MAILED_INVITATION, Purpose.COPIED_INVITATION
        found = self._row(Invitation.with_account_and_inviter(), token, mailed, copied)
        return (found, self.signer.matches(token, mailed, found)) if found else None

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

    def _row(self, rows: "ModelSelect[R]", token: str, *purposes: Purpose) -> R | None:
        row: R | None = rows.where(rows.model.id == row_id(token)).get_or_none()
        if row is None or not any(self.signer.matches(token, one, row) for one in purposes):
            return None
        return row

    def _to(self, path: str, token: str) -> str:
        return f"{self.base_url}/{path}/{token}"
