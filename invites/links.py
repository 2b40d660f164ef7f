"""The absolute links that leave the box: in mails, on the clipboard. Never from a Host header."""

from dataclasses import dataclass

from invites.models import Account, EmailProof, Invitation, PermanentLink, ProofPurpose
from invites.tokens import Purpose, Signable, Signer

_PROOF = {
    ProofPurpose.CONFIRM_EMAIL: (Purpose.CONFIRM_EMAIL, "confirm-email"),
    ProofPurpose.RESET_PASSWORD: (Purpose.RESET_PASSWORD, "password-reset"),
}


@dataclass(frozen=True)
class Links:
    """Builds links below ``base_url``, like https://invites.example.org."""

    base_url: str
    signer: Signer

    def mailed_invitation(self, invitation: Signable) -> str:
        """The link in the mail: whoever has it reads that mailbox."""
        return self._to("invitation", self.signer.token(Purpose.MAILED_INVITATION, invitation))

    def copied_invitation(self, invitation: Invitation) -> str:
        """The link that an admin copies: it proves nothing about a mailbox."""
        return self._to("invitation", self.signer.token(Purpose.COPIED_INVITATION, invitation))

    def permanent(self, link: PermanentLink) -> str:
        """The account's join link."""
        return self._to("join", self.signer.token(Purpose.PERMANENT_LINK, link))

    def proof(self, proof: EmailProof) -> str:
        """The link that proves a mailbox."""
        purpose, path = _PROOF[ProofPurpose(proof.purpose)]
        return self._to(path, self.signer.token(purpose, proof))

    def account(self, account: Account) -> str:
        """The account's own page, where the way to the assignments is."""
        return f"{self.base_url}/accounts/{account.slug}/"

    def accounts(self) -> str:
        """The page with all accounts of whoever is logged in."""
        return f"{self.base_url}/accounts"

    def _to(self, path: str, token: str) -> str:
        return f"{self.base_url}/{path}/{token}"
