"""The flask command demo: creates an organization with a month of example data."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import uuid4

import click

from invites import db
from invites.authorization import audit_log
from invites.bounces import matching
from invites.bounces.report import DsnAction, RecipientReport, Report
from invites.cli import readiness
from invites.cli.shared import command
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.core.secret_key import load_secret_keys
from invites.core.tokens import Purpose, Signer
from invites.invitations import manage, send_invitations, staging, unsubscribe
from invites.invitations.send_invitations import InvitationRequest
from invites.lists.email_field import read_field
from invites.members import accounts, answers, installation, memberships, permanent_link
from invites.members.accounts import AccountSettings
from invites.models import Account, Batch, Delivery, Invitation, Membership, User
from invites.outbox import batches, claims, outcomes
from invites.outbox.outcomes import Outcome
from invites.outbox.retry import Attempt, SendResult
from invites.people import profiles
from invites.people.passwords import hash_password
from invites.people.profiles import NewProfile
from invites.web.services import services

_WORKER = 1  # the number of the simulated worker
_PASSWORD = "river stones in the rain"
_SENT = Attempt(SendResult.SENT, 250, "2.0.0 Ok: queued")
_NO_SUCH_USER = Attempt(SendResult.FAILED, 550, "5.1.1 No such user here")
_NOT_WELCOME = Attempt(SendResult.FAILED, 554, "5.7.1 Sender address rejected: not authorized")

_VOLUNTEERS = """Name,Email,Street
Ben Carter,ben.carter@example.org,Mill Lane
Chloe Dubois,chloe@example.org,Mill Lane
Daniel Weiss,daniel.weiss@example.org,Quay Street
Elena Rossi,elena@example.org,Quay Street
Farid Haddad,farid@example.org,Chapel Road
Grace Kim,grace.kim@example.org,Chapel Road
Hugo Silva,hugo@example.org,Mill Lane
Ines Novak,ines@example.org,Station Road
Jonas Berg,jonas.berg@example.org,Station Road
Keiko Tanaka,keiko@example.org,Station Road
Liam Walsh,liam@example.org,Harbor Street
Maya Patel,maya.patel@example.org,Harbor Street
Maya Patel,maya.patel@example.org,Harbor Street
Noah Levi,noah.levi.example.org,Harbor Street
"""
_LAST_NAMES = ("Abbas", "Costa", "Engel", "Lind", "Moreau", "Santos")


def _list(domain: str, *first_names: str) -> str:
    people = ((first, last) for first in first_names for last in _LAST_NAMES)
    rows = (f"{one} {two},{one.lower()}.{two.lower()}@{domain}" for one, two in people)
    return "\n".join(("Name,Email", *rows))


_PARENTS = _list(
    "example.net", *("Amir", "Bianca", "Carlos", "Dina", "Emil", "Fatou", "Georg", "Hana")
)
_ALUMNI = _list(
    "example.com", *("Marta", "Nils", "Oskar", "Paola", "Rita", "Stefan", "Tilda", "Uwe", "Yara")
)
_NEIGHBORS = """Name;Email
Rosa Lind;rosa.lind@example.com
Samir Aziz;samir@example.com
Tove Holm;tove@gmial.com
Umar Khan;umar.khan@gmial.com
Vera Popov;vera.popov.example.com
Wanda Nowak;wanda@example.com wanda.nowak@example.net
Ben Carter;ben.carter@example.org
Xenia Roth;xenia@example.com
Xenia Roth;xenia@example.com
Front desk;info@example.com
Yusuf Demir;yusuf@example.com
Zita Horvath;zita@example.com
"""


@command
def demo() -> None:
    """Create an organization with example data: members, batches, invitations.

    Refuses an installation with data, with a mail server or with a public address.
    """
    settings = services().settings
    if settings.mail_server is not None:
        raise click.ClickException(
            "The demo has queued emails to people who don't exist. Run it without a mail server: "
            "INVITES_MAIL_SERVER= flask demo"
        )
    if not settings.is_local_only:
        raise click.ClickException(
            "Everyone knows the password of the demo. Run it with a local address: "
            "INVITES_BASE_URL= flask demo"
        )
    readiness.prepare(settings)
    db.connect()
    if installation.is_set_up():
        raise click.ClickException(
            f"{settings.data} has data already. Set INVITES_DATA to an empty folder."
        )
    logging.getLogger("invites").setLevel(logging.ERROR)  # hides the warning about a stopped batch
    account = _Demo(Signer(load_secret_keys(settings.data)), utcnow()).fill()
    click.echo(f"{account.name} is in {settings.data}. Run 'flask serve' and log in at")
    click.echo(f"{settings.base_url}/login with the password: {_PASSWORD}")
    for name, role in (("olive", "Account Owner"), ("ada", "Admin"), ("mo", "Moderator")):
        click.echo(f"  {name}@example.org  {role}")
    click.echo("  ben.carter@example.org, chloe@example.org and others are Users.")


class _Demo:
    """Calls the rules as people and the worker would have done, with times in the past."""

    def __init__(self, signer: Signer, now: datetime) -> None:
        self.signer = signer
        self.now = now
        self.password_hash = hash_password(_PASSWORD)

    def fill(self) -> Account:
        self.olive = self._found()
        self.account = self.olive.account
        self.ada, self.mo = self._invite_team()
        self._invite_volunteers()
        self._share_permanent_link()
        self._change_members()
        self._invite_neighbors()
        self._found_another_account()
        self._send_batches_in_each_state()
        staging.stage(self.olive, "neighbors.csv", _NEIGHBORS.encode(), self.now)
        return self.account

    def _found(self) -> Membership:
        at, profile = self._ago(30), self._profile("Olive Martin", "olive@example.org")
        account, _installer = installation.set_up("Riverside Relief", profile, at)
        olive: Membership = Membership.get(Membership.account == account)
        settings = AccountSettings(
            name=account.name,
            purpose="Help neighbors to get ready for the flood season.",
            assignments_url="https://shifts.example.org/riverside",
            assignments_label="See your shifts",
            reply_to="hello@example.org",
            time_zone="Europe/London",
        )
        accounts.change_settings(olive, settings, at)
        return olive

    def _invite_team(self) -> tuple[Membership, Membership]:
        self._send(self.olive, 29, "Ada Okafor <ada@example.org>", role=Role.ADMIN)
        self._send(self.olive, 29, "Mo Diaz <mo@example.org>", role=Role.MODERATOR)
        self._run_worker(29)
        team = [self._accept(f"{name}@example.org", 28) for name in ("ada", "mo")]
        for member, device in zip(team, ("Safari, macOS", "Firefox, Windows"), strict=True):
            audit_log.record_login(member.user, device, self._ago(28))
        return team[0], team[1]

    def _invite_volunteers(self) -> None:
        """Last month. Most have answered; the other invitations have expired."""
        self._send(self.olive, 25, file=("volunteers.csv", _VOLUNTEERS))
        self._run_worker(25)
        self._bounce("maya.patel@example.org", 25)
        for name in ("ben.carter", "chloe", "daniel.weiss", "elena"):
            self._accept(f"{name}@example.org", 24)
        for name in ("farid", "grace.kim", "hugo"):
            self._accept(f"{name}@example.org", 22)
        answers.decline(self._invitation("jonas.berg@example.org"), self._ago(21))
        unsubscribe.unsubscribe(self._invitation("ines@example.org"), self._ago(20))

    def _share_permanent_link(self) -> None:
        link = permanent_link.enable(self.olive, self._ago(20))
        pia = self._profile("Pia Sommer", "pia.sommer@example.com")
        permanent_link.join(link, self._confirmed(pia, self._ago(18)), self._ago(18))
        quinn = self._profile("Quinn Adams", "quinn@example.com")
        permanent_link.join_as_new(link, quinn, self._ago(17))  # never confirmed
        self._run_worker(17)

    def _change_members(self) -> None:
        ben, hugo = (self._member(f"{name}@example.org") for name in ("ben.carter", "hugo"))
        memberships.change_role(self.ada, ben, Role.MODERATOR, self._ago(9))
        memberships.deactivate(self.mo, hugo, self._ago(8))

    def _invite_neighbors(self) -> None:
        """Last week. One invitation was accepted, one declined, one revoked; one email failed."""
        names = ("paula", "ravi", "sofia", "tomas", "ulla", "viktor")
        self._send(self.mo, 6, ", ".join(f"{name}@example.com" for name in names))
        self._run_worker(6, {"viktor@example.com": _NO_SUCH_USER})
        self._accept("paula@example.com", 5, name="Paula Nunes")
        answers.decline(self._invitation("ravi@example.com"), self._ago(5))
        manage.revoke(self.mo, self._invitation("sofia@example.com"), self._ago(4))

    def _send_batches_in_each_state(self) -> None:
        """One stopped, one paused, one canceled, and one whose emails are queued."""
        self._send(self.ada, 3, file=("alumni.csv", _ALUMNI))
        self._run_worker(3, everyone=_NOT_WELCOME)
        parents = self._send(self.ada, 1, file=("school parents.csv", _PARENTS))
        self._run_worker(1, limit=31)
        batches.pause(self.ada, parents, self._ago(1))
        canceled = self._send(self.olive, 1, "petra@example.net, rolf@example.net")
        batches.cancel(self.olive, canceled, self._ago(1))
        self._send(self.olive, 0, "Silke Braun <silke@example.net>, Timo Frank <timo@example.net>")

    def _found_another_account(self) -> None:
        """Its owner invites Olive, so her accounts page shows an invitation."""
        zoe = self._confirmed(self._profile("Zoe Blank", "zoe@example.com"), self._ago(12))
        library = accounts.create("Hilltop Library", zoe, self._ago(12))
        owner = Membership.get(Membership.account == library)
        self._send(owner, 1, "Olive Martin <olive@example.org>")
        self._run_worker(1)

    def _send(
        self,
        actor: Membership,
        days: float,
        typed: str = "",
        *,
        file: tuple[str, str] | None = None,
        role: Role = Role.USER,
    ) -> Batch:
        at = self._ago(days)
        staged = staging.stage(actor, file[0], file[1].encode(), at) if file else None
        request = InvitationRequest(uuid4().hex, read_field(typed), role, staged)
        return send_invitations.send(actor, request, at)

    def _run_worker(
        self,
        days: float,
        replies: Mapping[str, Attempt] = MappingProxyType({}),
        *,
        everyone: Attempt = _SENT,
        limit: int = 1000,
    ) -> None:
        """Simulates the worker. ``replies``: the mail server's reply, by address."""
        at = self._ago(days)
        while mails := claims.claim(_WORKER, at, limit):
            done = [Outcome(mail, replies.get(mail.recipient, everyone)) for mail in mails]
            outcomes.append(_WORKER, done, at)
            limit -= len(mails)
        with db.transaction():
            outcomes.fold(at)

    def _bounce(self, email: str, days: float) -> None:
        mail = Delivery.get(Delivery.recipient == email)
        reply = "5.1.1 The email account that you tried to reach does not exist"
        about = RecipientReport(frozenset({email}), DsnAction.FAILED, 550, reply)
        origin = self.signer.token(Purpose.MESSAGE_ID, mail)
        matching.record(Report(origin, (about,)), self.signer, self._ago(days))

    def _accept(self, email: str, days: float, *, name: str = "") -> Membership:
        invitation = self._invitation(email)
        profile = self._profile(name or invitation.name, email)
        return answers.accept_as_new(invitation, profile, self._ago(days))

    def _invitation(self, email: str) -> Invitation:
        found: Invitation = (
            Invitation.with_account_and_inviter()
            .where(Invitation.account == self.account, Invitation.email == email)
            .get()
        )
        return found

    def _member(self, email: str) -> Membership:
        found: Membership = (
            Membership.select(Membership)
            .join(User)
            .where(Membership.account == self.account, User.email == email)
            .get()
        )
        return found

    def _profile(self, name: str, email: str) -> NewProfile:
        return NewProfile(name, email, "", self.password_hash)

    def _confirmed(self, profile: NewProfile, at: datetime) -> User:
        return profiles.create(profile, at, confirmed=True)

    def _ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)
