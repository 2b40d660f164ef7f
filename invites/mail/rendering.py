"""What a mail says: rendered at the last moment, from the row that caused it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
from flask import current_app

from invites.authorization.authority import has_authority
from invites.core.message_ids import message_id
from invites.mail.message import OutgoingMail
from invites.members import two_step_policy
from invites.members.links import Links
from invites.models import (
    Account,
    Delivery,
    DeliveryKind,
    EmailToken,
    EmailTokenPurpose,
    Invitation,
    InvitationStatus,
    SecurityEvent,
    SecurityNotice,
    User,
)
from invites.people import email_tokens


@dataclass(frozen=True)
class MailContext:
    """What every mail of this box has in common."""

    sender: Address
    links: Links


def render(delivery: Delivery, mail_context: MailContext, now: datetime) -> OutgoingMail | None:
    """The mail of ``delivery`` as of ``now``, or None when it isn't to be sent any more."""
    if delivery.kind == DeliveryKind.INVITATION:
        invitation = delivery.invitation
        if invitation.status(now) is not InvitationStatus.PENDING or not has_authority(invitation):
            return None
        link = mail_context.links.mailed_invitation(invitation)
        parts = invitation_parts(invitation, link, mail_context.links)
        return _mail(delivery, parts, mail_context, now, account=invitation.account)
    if delivery.kind == DeliveryKind.SECURITY_NOTICE:
        notice = _notice_parts(delivery.security_notice, mail_context.links)
        return _mail(delivery, notice, mail_context, now) if notice else None
    if not email_tokens.is_open(delivery.email_token, now):
        return None
    return _mail(delivery, _email_token_parts(delivery, mail_context.links), mail_context, now)


@dataclass(frozen=True)
class Parts:
    """The three texts of a mail."""

    subject: str
    text: str
    html: str


def invitation_parts(invitation: Invitation, link: str, links: Links) -> Parts:
    """The invitation mail: one text for people with a profile, one for all others."""
    known = User.select().where(User.email == invitation.email).exists()
    return preview_parts(
        invitation.account,
        invitation.inviter,
        invitation.role,
        link=link,
        unsubscribe_link=links.unsubscribe(invitation),
        links=links,
        known=known,
        name=invitation.name,
        expires_at=invitation.expires_at,
    )


def preview_parts(
    account: Account,
    inviter: User,
    role: int,
    *,
    link: str,
    unsubscribe_link: str,
    links: Links,
    known: bool,
    expires_at: datetime,
    name: str = "",
) -> Parts:
    """The invitation mail for given data, as the settings page previews it."""
    context = {
        "account": account,
        "inviter": inviter,
        "role": role,
        "name": name,
        "link": link,
        "unsubscribe_link": unsubscribe_link,
        "account_link": links.account(account),
        "accounts_link": links.accounts(),
        "last_day": _day(expires_at, account.time_zone),
    }
    return _parts("invitation_known" if known else "invitation_new", context)


def test_mail_parts(links: Links) -> Parts:
    """The mail by which the installer tries the mail server out."""
    return _parts("test_mail", {"link": links.accounts()})


def _day(at: datetime, time_zone: str) -> str:
    local = at.astimezone(ZoneInfo(time_zone))
    return str(flask_babel.format_date(local, "d MMM y", rebase=False))


def _email_token_parts(delivery: Delivery, links: Links) -> Parts:
    email_token: EmailToken = delivery.email_token
    context = {
        "person": email_token.user,
        "email": email_token.email,
        "link": links.email_token(email_token),
        "hours": email_tokens.hours(EmailTokenPurpose(email_token.purpose)),
    }
    return _parts(delivery.kind, context)


def _notice_parts(notice: SecurityNotice, links: Links) -> Parts | None:
    """None for what has settled itself meanwhile."""
    moment = flask_babel.format_datetime(notice.created_at, "d MMM y, HH:mm", rebase=False)
    is_asked = notice.event == SecurityEvent.TWO_STEP_REQUIRED
    asking = two_step_policy.missing_for(notice.user) if is_asked else []
    if is_asked and not asking:
        return None
    context = {
        "person": notice.user,
        "event": notice.event,
        "moment": moment,
        "accounts": ", ".join(account.name for account in asking),
        "link": links.two_step() if is_asked else links.forgotten_password(),
    }
    return _parts(DeliveryKind.SECURITY_NOTICE, context)


def _parts(mail: str, context: Mapping[str, Any]) -> Parts:
    # Without what pages know of their visitor: the worker has none.
    templates = current_app.jinja_env

    def part(name: str, **more: str) -> str:
        template = templates.get_template(f"email/{mail}/{name}")
        return template.render(context, **more).strip() + "\n"

    subject = part("subject.txt").strip()
    return Parts(subject, part("body.txt"), part("body.html", subject=subject))


def heading(account: Account | None, mail_context: MailContext) -> tuple[Address, dict[str, str]]:
    """From, and the headers that are the same for everybody, of a mail from ``account``."""
    headers = {"Auto-Submitted": "auto-generated"}  # RFC 3834: no out-of-office replies, please
    if account is None:
        return mail_context.sender, headers
    if account.reply_to:
        headers["Reply-To"] = account.reply_to
    return Address(account.name, addr_spec=mail_context.sender.addr_spec), headers


def _mail(
    delivery: Delivery,
    parts: Parts,
    mail_context: MailContext,
    now: datetime,
    account: Account | None = None,
) -> OutgoingMail:
    sender, headers = heading(account, mail_context)
    return OutgoingMail(
        subject=parts.subject,
        sender=sender,
        recipient=delivery.recipient,
        text=parts.text,
        html=parts.html,
        message_id=message_id(mail_context.links.signer, delivery, sender.domain),
        date=now,
        headers=headers,
    )
