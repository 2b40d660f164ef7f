"""Makes the mails that go out: each kind of invitation once, then filled in per person."""

import functools
import time
from collections.abc import Hashable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple

from invites.authorization.authority import has_authority
from invites.core.message_ids import message_id
from invites.mail.bulk_template import LINK, NAME, UNSUBSCRIBE, Addressee, BulkTemplate, Draft
from invites.mail.rendering import MailContext, heading, preview_parts, render
from invites.models import Account, Delivery, Invitation, User
from invites.outbox.queue import QueuedInvitation, QueuedMail

_FRESH = 2.0  # seconds for which a form letter is good: an account may change its name


@functools.lru_cache(8)
def _date(seconds: int) -> str:
    """A moment, in seconds since 1970, for the header Date (RFC 5322, 3.3)."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


class Letter(NamedTuple):
    """A mail on its way: its row, and its bytes as they go over the wire."""

    mail: QueuedMail
    content: bytes


class MailBuilder:
    """Keeps the form letters; used by all connections at once."""

    def __init__(self, mail_context: MailContext) -> None:
        self._postage = mail_context
        self._forms: dict[Hashable, BulkTemplate | None] = {}
        self._made_at = 0.0

    @property
    def sender(self) -> str:
        """The envelope sender of every mail (RFC 5321, 4.1.1.2)."""
        return self._postage.sender.addr_spec

    def letter(self, mail: QueuedMail, now: datetime) -> Letter | None:
        """``mail`` as of ``now``, or None when it isn't to be sent any more.

        Raises UnsafeMailError for what would break out of a header.
        """
        if mail.invitation is None:
            return self._personal(mail, now)
        form = self._form(mail, mail.invitation)
        if form is None:
            return None
        sender = self._postage.sender
        links = self._postage.links
        addressee = Addressee(
            mail.recipient,
            message_id(links.signer, mail, sender.domain),
            _date(int(now.timestamp())),
            links.mailed_invitation(mail.invitation),
            links.unsubscribe(mail.invitation),
            mail.invitation.name,
        )
        return Letter(mail, form.fill(addressee))

    def _personal(self, mail: QueuedMail, now: datetime) -> Letter | None:
        made = render(Delivery.get_by_id(mail.id), self._postage, now)
        return None if made is None else Letter(mail, made.as_bytes())

    def _form(self, mail: QueuedMail, offer: QueuedInvitation) -> BulkTemplate | None:
        """The form letter for everybody with the same offer, None when nobody stands behind it."""
        if time.monotonic() - self._made_at > _FRESH:
            self._forms, self._made_at = {}, time.monotonic()
        forms = self._forms
        for_all = (mail.account_id, offer.inviter_id, offer.role, offer.expires_at)
        kind = (*for_all, mail.has_profile, bool(offer.name))
        if kind not in forms:
            forms[kind] = self._make(offer, known=mail.has_profile)
        return forms[kind]

    def _make(self, offer: QueuedInvitation, *, known: bool) -> BulkTemplate | None:
        invitation = (
            Invitation.select(Invitation, Account, User)
            .join(Account)
            .switch(Invitation)
            .join(User, on=(Invitation.inviter == User.id))
            .where(Invitation.id == offer.id)
            .get()
        )
        if not has_authority(invitation):
            return None
        parts = preview_parts(
            invitation.account,
            invitation.inviter,
            invitation.role,
            link=LINK,
            unsubscribe_link=UNSUBSCRIBE,
            links=self._postage.links,
            known=known,
            name=NAME if offer.name else "",
            expires_at=invitation.expires_at,
        )
        sender, headers = heading(invitation.account, self._postage)
        if self._postage.links.base_url.startswith("https://"):
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058, 3.1
        return BulkTemplate(Draft(sender, parts.subject, parts.text, parts.html, headers))
