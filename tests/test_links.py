"""The links that leave the box."""

import pytest

from invites import permanent_link, proofs
from invites.links import Links
from invites.models import EmailProof, ProofPurpose
from invites.tokens import Purpose, row_id
from tests.shorthand import invite

BASE = "https://invites.example.org"


@pytest.fixture
def links(signer):
    return Links(BASE, signer)


def token_of(link, path):
    assert link.startswith(f"{BASE}/{path}/")
    return link.removeprefix(f"{BASE}/{path}/")


def test_mailed_and_copied_link_lead_to_one_page_and_prove_different_things(
    owner, links, signer, now
):
    invitation = invite(owner, now)
    mailed = token_of(links.mailed_invitation(invitation), "invitation")
    copied = token_of(links.copied_invitation(invitation), "invitation")
    assert row_id(mailed) == row_id(copied) == invitation.id
    assert signer.matches(mailed, Purpose.MAILED_INVITATION, invitation)
    assert signer.matches(copied, Purpose.COPIED_INVITATION, invitation)
    assert not signer.matches(copied, Purpose.MAILED_INVITATION, invitation)


def test_the_permanent_link_leads_to_the_join_page(owner, links, signer, now):
    link = permanent_link.enable(owner, now)
    assert signer.matches(token_of(links.permanent(link), "join"), Purpose.PERMANENT_LINK, link)


@pytest.mark.parametrize(
    ("proves", "path", "purpose"),
    [
        (ProofPurpose.CONFIRM_EMAIL, "confirm-email", Purpose.CONFIRM_EMAIL),
        (ProofPurpose.RESET_PASSWORD, "password-reset", Purpose.RESET_PASSWORD),
    ],
)
def test_each_proof_has_a_page_of_its_own(owner, links, signer, now, proves, path, purpose):
    proofs.ask(owner.user, proves, owner.user.email, now)
    proof = EmailProof.get()
    assert signer.matches(token_of(links.proof(proof), path), purpose, proof)


def test_pages_behind_the_log_in_need_no_token(account, links):
    assert links.account(account) == f"{BASE}/accounts/riverside-relief/"
    assert links.accounts() == f"{BASE}/accounts"
