"""An account with rows of every kind, for tests that open every page."""

import secrets
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.core.settings import MailServer
from invites.invitations import manage
from invites.members import answers, memberships, permanent_link
from invites.members.links import Links
from invites.models import (
    Account,
    Authenticator,
    Delivery,
    DeliveryState,
    EmailToken,
    EmailTokenPurpose,
    Invitation,
    Membership,
    Passkey,
    User,
)
from invites.people import email_tokens, recovery_codes, sessions, totp
from invites.web.services import Services
from tests.support.actions import invite, new_profile, send
from tests.support.browsing import Browser
from tests.support.people import PASSWORD, People, make_member, make_user

ACCOUNT = "/accounts/riverside-relief"


def signed_in(app: Flask, user: User) -> Browser:
    """A device on which ``user`` is logged in, without the cost of a password check."""
    browser = Browser(app)
    with browser.client.session_transaction() as cookie:
        cookie["_user_id"] = sessions.start(user, "test", utcnow())
        cookie["_fresh"] = True
    return browser


def services(app: Flask) -> Services:
    found: Services = app.extensions["invites"]
    return found


def use_mail_server(app: Flask, server: MailServer | None, **settings: Any) -> None:
    """Changes the settings of ``app``. The fixture ``app`` restores them."""
    known = services(app)
    changed = replace(known.settings, mail_server=server, **settings)
    mail_context = replace(known.mail_context, sender=changed.mail_from)
    app.extensions["invites"] = replace(known, settings=changed, mail_context=mail_context)


def links(app: Flask) -> Links:
    return services(app).links


def path(link: str) -> str:
    """A link without scheme and host."""
    return "/" + link.split("/", 3)[3]


def everything(database: Path) -> list[str]:
    """All rows of all tables, to compare before and after."""
    connection = sqlite3.connect(database)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def ask_email_token(
    user: User, purpose: EmailTokenPurpose, now: datetime, email: str = ""
) -> EmailToken:
    """Sends a link to ``user``. Returns its email token."""
    email_tokens.send_link(user, purpose, email or user.email, now)
    email_token: EmailToken = EmailToken.select().order_by(EmailToken.id.desc()).get()
    return email_token


class Rows:
    """The rows of Riverside Relief: members, links, and invitations in every state."""

    def __init__(self, people: People, now: datetime) -> None:
        self.people = people
        self.now = now
        self.owner = people[Role.OWNER]
        self.account: Account = self.owner.account
        User.update(is_installer=True).where(User.id == self.owner.user_id).execute()
        self.inactive = self._member("Ina Active", "ina@example.org")
        memberships.deactivate(self.owner, self.inactive, now)
        self.unconfirmed = self._member("Una Proven", "una@example.org", confirmed=False)
        self.ally = make_user("Alma Else", "alma@elsewhere.example", now)
        self._invite_people()
        self.permanent = permanent_link.enable(self.owner, now)
        self.reset = ask_email_token(people[Role.USER].user, EmailTokenPurpose.RESET_PASSWORD, now)
        self.confirmation = ask_email_token(
            self.unconfirmed.user, EmailTokenPurpose.CONFIRM_EMAIL, now
        )

    def _member(self, name: str, email: str, *, confirmed: bool = True) -> Membership:
        return make_member(self.account, name, email, Role.USER, self.now, confirmed=confirmed)

    def _invite_people(self) -> None:
        now, owner = self.now, self.owner
        self.pending = invite(owner, now, "pending@example.org")
        self.expired = invite(owner, now - timedelta(days=20), "expired@example.org")
        self.declined = invite(owner, now, "declined@example.org")
        answers.decline(self.declined, now)
        self.revoked = invite(owner, now, "revoked@example.org")
        manage.revoke(owner, self.revoked, now)
        self.accepted = invite(owner, now, "accepted@example.org")
        ace = new_profile("accepted@example.org", "Ace Pted")
        answers.accept_as_new(self.accepted, ace, now)
        self.known = invite(owner, now, self.ally.email)
        self.failed = invite(owner, now, "failed@example.org")
        _mail(self.failed, state=DeliveryState.FAILED, finished_at=now, reply_text="5.1.1 Nobody")
        self.bounced = invite(owner, now, "bounced@example.org")
        _mail(self.bounced, state=DeliveryState.BOUNCED, finished_at=now, reply_text="5.1.1 Nobody")
        self.sent = invite(owner, now, "sent@example.org")
        _mail(self.sent, state=DeliveryState.SENT, finished_at=now - timedelta(days=1))
        self.late = invite(owner, now, "late@example.org")
        _mail(self.late, attempts=1, reply_text="4.3.0 Later")
        self.batch = send(owner, now, "not an address", "pending@example.org", "batch@example.org")


class Site:
    """An application with ``rows``, its links, and the devices of its people."""

    def __init__(self, app: Flask, rows: Rows) -> None:
        self.app = app
        self.rows = rows
        self.links = links(app)
        self.database: Path = services(app).settings.database_path

    def set_up_two_step(self, who: str) -> None:
        """Gives a person an authenticator app and a passkey."""
        user, now = self.user(who), utcnow()
        assert user is not None
        totp.create(user, now)
        Authenticator.update(confirmed_at=now).where(Authenticator.user == user).execute()
        recovery_codes.make(user, now)
        Passkey.create(
            user=user,
            name="Phone",
            credential_id=secrets.token_bytes(16),
            public_key=b"",
            sign_count=0,
            created_at=now,
        )

    def mailed(self, invitation: Invitation) -> str:
        """The path of the link in the email of ``invitation``."""
        return path(self.links.mailed_invitation(invitation))

    @property
    def joining(self) -> str:
        """The path of the permanent link."""
        return path(self.links.permanent(self.rows.permanent))

    def user(self, who: str) -> User | None:
        """``who``: the name of a role, or one of the names below."""
        others = {
            "stranger": self.rows.people.stranger.user,
            "inactive": self.rows.inactive.user,
            "unconfirmed": self.rows.unconfirmed.user,
            "ally": self.rows.ally,
            "nobody": None,
        }
        return others[who] if who in others else self.rows.people[Role[who.upper()]].user

    def device(self, who: str) -> Browser:
        """``who``: as for ``user``, or "half way" or "setting up".

        "half way": a person who has entered their password and still has to verify the login.
        "setting up": a person who sees the key for their app.
        """
        if who == "half way":
            self.set_up_two_step("user")
            typed = {"email": "uma@example.org", "password": PASSWORD}
            return _send(Browser(self.app), "/login", typed)
        if who == "setting up":
            return _send(self.device("user"), "/profile/two-step/app", {"password": PASSWORD})
        user = self.user(who)
        return signed_in(self.app, user) if user else Browser(self.app)


def _send(browser: Browser, url: str, typed: dict[str, str]) -> Browser:
    token = browser.open(url).page.select_one("[name=csrf_token]")
    return browser.post(url, typed | {"csrf_token": token["value"] if token else ""})


def _mail(invitation: Invitation, **changes: Any) -> None:
    Delivery.update(**changes).where(Delivery.invitation == invitation).execute()
