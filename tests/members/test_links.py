"""The absolute links and the rows that their tokens open."""

from datetime import timedelta

import pytest

from invites.core.roles import Role
from invites.core.tokens import Purpose
from invites.members import permanent_link
from invites.members.links import Links, OpenedInvitation
from invites.models import EmailToken, EmailTokenPurpose, Membership
from invites.people import email_tokens
from tests.support.actions import invite

BASE = "https://invites.example.org"


@pytest.fixture
def links(signer):
    return Links(BASE, signer)


def token_of(link, path):
    assert link.startswith(f"{BASE}/{path}/")
    return link.removeprefix(f"{BASE}/{path}/")


def test_mailed_and_copied_links_open_the_same_page_and_prove_different_things(owner, links, now):
    invitation = invite(owner, now)
    mailed = token_of(links.mailed_invitation(invitation), "invitation")
    copied = token_of(links.copied_invitation(invitation, owner), "invitation")
    assert links.opened_invitation(mailed) == OpenedInvitation(mailed, invitation, None)
    assert links.opened_invitation(copied) == OpenedInvitation(copied, invitation, owner)
    assert links.opened_invitation(mailed).proves_mailbox
    assert not links.opened_invitation(copied).proves_mailbox


def test_a_copied_link_belongs_to_the_member_who_copied_it(people, owner, links, now):
    invitation, admin = invite(owner, now), people[Role.ADMIN]
    own = token_of(links.copied_invitation(invitation, owner), "invitation").partition(".")[2]
    for stolen in (f"{admin.id}.{own}", f".{own}", f"x.{own}", f"{10**17}.{own}", own):
        assert links.opened_invitation(stolen) is None
    before = token_of(links.copied_invitation(invitation, admin), "invitation")
    Membership.update(joined_at=now + timedelta(days=1)).where(Membership.id == admin.id).execute()
    assert links.opened_invitation(before) is None  # removed, and invited again


def test_the_permanent_link_leads_to_the_join_page(owner, links, signer, now):
    link = permanent_link.enable(owner, now)
    assert signer.matches(token_of(links.permanent(link), "join"), Purpose.PERMANENT_LINK, link)


@pytest.mark.parametrize(
    ("proves", "path", "purpose"),
    [
        (EmailTokenPurpose.CONFIRM_EMAIL, "confirm-email", Purpose.CONFIRM_EMAIL),
        (EmailTokenPurpose.RESET_PASSWORD, "password-reset", Purpose.RESET_PASSWORD),
    ],
)
def test_each_kind_of_email_token_has_its_own_page(
    owner, links, signer, now, proves, path, purpose
):
    email_tokens.send_link(owner.user, proves, owner.user.email, now)
    email_token = EmailToken.get()
    assert signer.matches(token_of(links.email_token(email_token), path), purpose, email_token)


def test_pages_that_require_a_log_in_have_no_token(account, links):
    assert links.account(account) == f"{BASE}/accounts/riverside-relief/"
    assert links.accounts() == f"{BASE}/accounts"


def test_a_token_opens_only_rows_of_its_purpose(owner, links, now):
    invitation, link = invite(owner, now), permanent_link.enable(owner, now)
    confirm, reset = EmailTokenPurpose.CONFIRM_EMAIL, EmailTokenPurpose.RESET_PASSWORD
    email_tokens.send_link(owner.user, confirm, owner.user.email, now)
    email_token = EmailToken.get()
    assert invitation.id == link.id == email_token.id  # so that only the purpose tells them apart
    mailed = token_of(links.mailed_invitation(invitation), "invitation")
    copied = token_of(links.copied_invitation(invitation, owner), "invitation")
    joining = token_of(links.permanent(link), "join")
    confirming = token_of(links.email_token(email_token), "confirm-email")

    opened = {
        token: (
            links.opened_invitation(token),
            links.opened_permanent(token),
            links.opened_email_token(token, confirm),
            links.opened_email_token(token, reset),
        )
        for token in (mailed, copied, joining, confirming, f"{mailed}x", "1", "", "9" * 30)
    }

    nothing = (None, None, None, None)
    assert opened[mailed] == (OpenedInvitation(mailed, invitation, None), None, None, None)
    assert opened[copied] == (OpenedInvitation(copied, invitation, owner), None, None, None)
    assert opened[joining] == (None, link, None, None)
    assert opened[confirming] == (None, None, email_token, None)
    assert {opened[token] for token in (f"{mailed}x", "1", "", "9" * 30)} == {nothing}


def test_a_deleted_permanent_link_opens_nothing(owner, links, now):
    token = token_of(links.permanent(permanent_link.enable(owner, now)), "join")
    permanent_link.delete(owner, now)
    assert links.opened_permanent(token) is None
