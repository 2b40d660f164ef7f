"""A tour of every page, in every state that is worth a look."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import accounts, answers, memberships, permanent_link
from invites.members.accounts import AccountSettings
from invites.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    EmailToken,
    EmailTokenPurpose,
    Membership,
    Passkey,
    User,
)
from invites.outbox import deliveries
from invites.people import email_tokens, recovery_codes, sessions, totp, two_step
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.support.actions import invite, new_profile, send
from tests.support.people import PASSWORD, make_user
from tests.support.server import OWNER, Server, new_data, running, set_up_data
from tests.support.smtp_server import SmtpServer, free_port

LOOKS = {
    "desktop-light": (DESKTOP, "light", "none"),
    "desktop-dark": (DESKTOP, "dark", "none"),
    "desktop-forced": (DESKTOP, "light", "active"),
    "phone-light": (PHONE, "light", "none"),
    "phone-dark": (PHONE, "dark", "none"),
    "phone-forced": (PHONE, "dark", "active"),
}

_ACCOUNT = "/accounts/riverside-relief"
_COMPOSE = f"{_ACCOUNT}/invitations/new"
_NOBODY = ""
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1"
_OFFICE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0"
_LONG = "the.one.with.the.very.long.address.that.never.ends"
_PDF = b"%PDF-1.7\n\x00\x01\x02\xff\xfe stream"
_TYPED = """Amina Bello <amina@example.org>, jon@example.org; jon@example.org
kim.example.org, lee@@example.org
ada@example.org
pending1@example.org
declined@example.org
zoe@elsewhere.example"""

_MIXED = f"""Name;E-Mail;Town
Amina Bello;amina@gmial.com;Bonn
Bo Ek;bo@gmial.com;Bonn
Cleo;cleo.example.org;Bonn
Dora;dora@example.org dora@example.net;Bonn
Eve of {_LONG};{_LONG}.example.org;Bonn
Ada Okafor;ada@example.org;Bonn
Pia;pending1@example.org;Bonn
Dee;declined@example.org;Bonn
Gus;info@example.org;Bonn
Hal;hal@example.org;Bonn
Hal;HAL@example.org;Bonn
"""


@dataclass(frozen=True)
class PageState:
    """A page in one state: whose, where, and what they do there before one looks."""

    name: str
    path: str
    who: str = _NOBODY
    act: Callable[[Visitor], object] = lambda _visitor: None


@dataclass(frozen=True)
class Setup:
    """A server in some state. ``smtp``: whether its mail server is there, missing or down."""

    pages: Callable[[Server], list[PageState]]
    smtp: str = "missing"
    is_set_up: bool = True

    @contextmanager
    def served(self, folder: Path) -> Iterator[tuple[Server, list[PageState]]]:
        """The running server, and the pages in it."""
        data = (set_up_data if self.is_set_up else new_data)(folder / "data")
        with ExitStack() as stack:
            smtp = (
                stack.enter_context(SmtpServer(full="full").open())
                if self.smtp == "there"
                else None
            )
            down = free_port() if self.smtp == "down" else None
            server = stack.enter_context(running(data, smtp=smtp, mail_port=down))
            stack.enter_context(server.rules())
            yield server, self.pages(server)


def visit_all(
    server: Server, pages: list[PageState], new_context: Callable[..., BrowserContext]
) -> Iterator[tuple[PageState, Visitor]]:
    """Lead a visitor for each person from page to page."""
    assert len({page.name for page in pages}) == len(pages)  # screenshots are named for them
    visitors: dict[str, Visitor] = {}
    for page in pages:
        if page.who not in visitors:
            visitors[page.who] = Visitor(new_context(base_url=server.url), server)
            if page.who:
                visitors[page.who].sign_in(page.who, at="/accounts")
        visitor = visitors[page.who]
        show_as(visitor, "desktop-light")
        visitor.open(page.path)
        page.act(visitor)
        yield page, visitor
    complaints = [line for visitor in visitors.values() for line in visitor.complaints]
    assert complaints == []


def show_as(visitor: Visitor, look: str) -> None:
    """Show the page at a size, in a color scheme, and in the reader's own colors (forced)."""
    viewport, scheme, forced = LOOKS[look]
    visitor.page.set_viewport_size(viewport)
    visitor.page.emulate_media(color_scheme=scheme, forced_colors=forced, reduced_motion="reduce")


_NO_ANSWER = """main => main.dispatchEvent(
  new CustomEvent("htmx:sendError", {bubbles: true, detail: {xhr: {status: 0}}}))"""


def _lose_the_line(visitor: Visitor) -> None:
    visitor.page.locator("#main").evaluate(_NO_ANSWER)
    visitor.sees("Nothing is lost")


def _post(visitor: Visitor, url: str, form: dict[str, str], times: int) -> None:
    """Send a form of the page that is open, without showing the answers."""
    token = visitor.page.locator("[name=csrf_token]").first.input_value()
    for _ in range(times):
        answer = visitor.context.request.post(url, form=form | {"csrf_token": token})
        assert answer.status in (200, 422)


def _refused_after(button: str) -> Callable[[Visitor], None]:
    def press(visitor: Visitor) -> None:
        visitor.press(button)
        expect(visitor.page.locator("[aria-invalid=true]").first).to_be_visible()

    return press


def _fresh(_server: Server) -> list[PageState]:
    return [
        PageState("setup", "/setup"),
        PageState(
            "setup-refused", "/setup", act=lambda v: v.press("Set up").sees("isn't the setup code")
        ),
    ]


def _empty(_server: Server) -> list[PageState]:
    def log_in_wrongly(visitor: Visitor) -> None:
        visitor.fill(Email=OWNER, Password="not this one").press("Log in").sees("don't match")

    def ask_for_reset(visitor: Visitor) -> None:
        visitor.fill(Email="somebody@example.org").press("Email me a link").sees(
            "we have sent it a link"
        )

    def guess_too_often(visitor: Visitor) -> None:
        guess = {"email": "guessed@example.org", "password": "not this one"}
        _post(visitor, "/login", guess, times=10)
        visitor.fill(Email="guessed@example.org", Password="nor this").press("Log in")
        visitor.sees("Too many attempts")

    def ask_too_often(visitor: Visitor) -> None:
        _post(visitor, "/password-reset", {"email": "often@example.org"}, times=5)
        visitor.fill(Email="often@example.org").press("Email me a link").sees("Too many attempts")

    def come_back_too_late(visitor: Visitor) -> None:
        visitor.context.clear_cookies()
        visitor.press("Log in").sees("This page has expired")

    return [
        PageState("login", "/login"),
        PageState("login-refused", "/login", act=log_in_wrongly),
        PageState("login-too-late", "/login", act=come_back_too_late),
        PageState("password-reset", "/password-reset"),
        PageState("password-reset-asked", "/password-reset", act=ask_for_reset),
        PageState("password-reset-closed", "/password-reset/1-closed"),
        PageState("error-404", "/nowhere"),
        PageState("error-405", "/logout"),
        PageState("login-locked", "/login", act=guess_too_often),
        PageState("error-429", "/password-reset", act=ask_too_often),
        PageState("home-empty", f"{_ACCOUNT}/", OWNER),
        PageState("compose", _COMPOSE, OWNER),
        PageState("compose-refused", _COMPOSE, OWNER, _refused_after("Send Invitation")),
        PageState("invitations-empty", f"{_ACCOUNT}/invitations", OWNER),
        PageState("batches-empty", f"{_ACCOUNT}/batches", OWNER),
        PageState("permanent-invite-none", f"{_ACCOUNT}/permanent-invite", OWNER),
        PageState("active-alone", f"{_ACCOUNT}/users", OWNER),
        PageState("inactive-empty", f"{_ACCOUNT}/users/inactive", OWNER),
        PageState("settings-empty", f"{_ACCOUNT}/settings", OWNER),
        PageState("accounts-one", "/accounts", OWNER),
        PageState("accounts-new", "/accounts/new", OWNER),
        PageState(
            "accounts-new-refused",
            "/accounts/new",
            OWNER,
            _refused_after("Add account"),
        ),
        PageState("profile", "/profile", OWNER),
        PageState("mailbox-empty", "/mailbox", OWNER),
    ]


def _waiting(server: Server) -> list[PageState]:
    server.member("Uma Roy", "uma@example.org")
    batch = send(server.owner, utcnow(), "amina@example.org", "jon@example.org")
    send(server.account_of("Elsewhere"), utcnow(), "uma@example.org")
    email_tokens.send_link(server.owner.user, EmailTokenPurpose.RESET_PASSWORD, OWNER, utcnow())
    mails = [delivery.id for delivery in Delivery.select().order_by(Delivery.id)]
    return [
        PageState("mailbox", "/mailbox", OWNER),
        PageState("mailbox-invitation", f"/mailbox/{mails[0]}", OWNER),
        PageState("mailbox-invitation-for", f"/mailbox/{mails[2]}", OWNER),
        PageState("mailbox-new-password", f"/mailbox/{mails[3]}", OWNER),
        PageState("batch-waiting", f"{_ACCOUNT}/batches/{batch.id}", OWNER),
        PageState("invitations-waiting", f"{_ACCOUNT}/invitations", OWNER),
    ]


def _crowded(server: Server) -> list[PageState]:
    guests = [f"guest{number}@example.org" for number in range(50_000)]
    batch = send(server.owner, utcnow(), *guests)
    return [
        PageState("batch-50000", f"{_ACCOUNT}/batches/{batch.id}", OWNER),
        PageState("invitations-50000", f"{_ACCOUNT}/invitations", OWNER),
        PageState("invitations-50000-last", f"{_ACCOUNT}/invitations?page=1000", OWNER),
        PageState("mailbox-50000", "/mailbox", OWNER),
    ]


def _down(server: Server) -> list[PageState]:
    batch = send(server.owner, utcnow(), "amina@example.org", "jon@example.org")

    def wait_for_trouble(visitor: Visitor) -> None:
        visitor.sees("The mail server isn't available")

    return [
        PageState("batch-server-down", f"{_ACCOUNT}/batches/{batch.id}", OWNER, wait_for_trouble),
        PageState(
            "mail-down",
            "/mail",
            OWNER,
            lambda v: _try_mail(v).sees("accept connections on this port"),
        ),
    ]


def _try_mail(visitor: Visitor, recipient: str = OWNER) -> Visitor:
    return visitor.fill(**{"Send it to": recipient}).press("Send a test email")


def _steered(server: Server) -> list[PageState]:
    """Batches that aren't sending, and one whose mails were never answered."""
    now = utcnow()
    reason = "5.7.1 Your domain is on a list of unwanted senders. Ask your provider."
    halted = {
        BatchState.PAUSED: (DeliveryState.SENT, ""),
        BatchState.STOPPED: (DeliveryState.FAILED, reason),
        BatchState.CANCELED: (DeliveryState.SENT, ""),
        BatchState.PROBING: (DeliveryState.UNKNOWN, ""),
    }
    pages = []
    for state, (came_to, words) in halted.items():
        with db.transaction():
            batch = send(server.owner, now, *(f"{state}{n}@example.org" for n in range(120)))
            tried = Delivery.select(Delivery.id).where(Delivery.batch == batch).limit(10)
            outcome = {"state": came_to, "attempts": 1, "finished_at": now, "reply_text": words}
            Delivery.update(outcome).where(Delivery.id.in_(tried)).execute()
            rest = (Delivery.batch == batch) & (Delivery.state == DeliveryState.QUEUED)
            later = {"due_at": now + timedelta(hours=4)}
            if state == BatchState.CANCELED:
                later = {"state": DeliveryState.WITHDRAWN}
            Delivery.update(later).where(rest).execute()
            Batch.update(state=state, stop_reason=words).where(Batch.id == batch.id).execute()
        pages.append(PageState(f"batch-{state}", f"{_ACCOUNT}/batches/{batch.id}", OWNER))
        if state == BatchState.PAUSED:
            canceling = f"{_ACCOUNT}/batches/{batch.id}/cancellation"
            pages.append(PageState("batch-canceling", canceling, OWNER))
    pages.append(PageState("batches", f"{_ACCOUNT}/batches", OWNER))
    with db.transaction():
        batch = send(server.owner, now, "amina@example.org", "jon@example.org")
        changes = {"state": DeliveryState.WITHDRAWN, "reply_text": deliveries.ON_HOLD}
        Delivery.update(changes).where(Delivery.batch == batch).execute()
    pages.append(PageState("batch-restored", f"{_ACCOUNT}/batches/{batch.id}", OWNER))
    return pages


def _managing(server: Server) -> list[PageState]:
    return _Full(server).work()


def _inviting(server: Server) -> list[PageState]:
    people = _Full(server)
    return [*people.composing(), *people.logged_out()]


def _answering(server: Server) -> list[PageState]:
    return _Full(server).invitees()


def _profiles(server: Server) -> list[PageState]:
    people = _Full(server)
    return [*people.profiles(), *people.two_step()]


class _Full:
    """Riverside Relief after some busy weeks."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.links = server.links
        now = utcnow()
        settings = AccountSettings(
            name="Riverside Relief",
            purpose="Help call neighbours before the storm season.",
            assignments_url="https://riverside.example/assignments",
            assignments_label="See your assignments",
            reply_to="hello@riverside.example",
            time_zone="Europe/Berlin",
        )
        accounts.change_settings(server.owner, settings, now)
        self._fill_people()
        self._fill_invitations()
        self.link = permanent_link.enable(server.owner, now)

    def _fill_people(self) -> None:
        member = self.server.member
        member("Ada Okafor", "ada@example.org", Role.ADMIN)
        member("Mo Diaz", "mo@example.org", Role.MODERATOR)
        member("Uma Roy", "uma@example.org")
        member("Ulf Unsure", "ulf@example.org", Role.ADMIN, confirmed=False)
        member("Maximiliana Konstantinopolitanska-Featherstonehaugh", f"{_LONG}@example.org")
        first = ("Ana", "Ben", "Chi", "Dov", "Eva", "Finn", "Gül", "Hana", "Ivo", "Jil")
        last = ("Adeyemi", "Brandt", "Costa", "Dvořák", "Eriksen", "Fernandes")
        for number, (given, family) in enumerate(product(first, last)):
            member(f"{given} {family}", f"member{number}@example.org")
        self.gone = member("Gil Gone", "gil@example.org", Role.MODERATOR)

    def _fill_invitations(self) -> None:
        owner, now = self.server.owner, utcnow()
        past = now - timedelta(days=20)
        self.expired = invite(owner, past, "expired@example.org")
        self.accepted = invite(owner, now, "accepted@example.org")
        answers.accept_as_new(
            self.accepted, new_profile("accepted@example.org", "Ava Accepted"), now
        )
        self.declined = invite(owner, now, "declined@example.org")
        answers.decline(self.declined, now)
        self.revoked = invite(owner, now, "revoked@example.org")
        manage.revoke(owner, self.revoked, now)
        self.pending = invite(owner, now, "new@example.org", Role.MODERATOR)
        make_user("Una Unconfirmed", "una@example.org", now, confirmed=False)
        self.unconfirmed = invite(owner, now, "una@example.org")
        for name in ("Night Shelter Network", "The Society for the Preservation of River Walks"):
            again = invite(self.server.account_of(name), now, "uma@example.org")
        answers.decline(again, now)
        self.without_authority = send(self.gone, now, "kai@example.org", "lena@example.org")
        memberships.deactivate(owner, self.gone, now)
        make_user("Kim Known", "kim@elsewhere.example", now)
        self.known = invite(owner, now, "kim@elsewhere.example")
        emails = [f"pending{number}@example.org" for number in range(60)]
        failing = ["full@example.org", "full.too@example.org", f"full.{_LONG}@example.org"]
        self.batch = send(owner, now, *emails, *failing, "not an address", "ada@example.org")

    def _wait_until_sent(self, visitor: Visitor) -> None:
        visitor.sees("60 of 63 sent")

    def work(self) -> list[PageState]:
        """The pages where an admin works."""
        members = {m.user.email: m for m in Membership.select(Membership, User).join(User)}
        ada = members["ada@example.org"]

        def open_link(visitor: Visitor) -> None:
            visitor.page.get_by_role("link", name="Copy Link for pending59@example.org").click()
            visitor.sees("Personal link for pending59@example.org")

        def edit(visitor: Visitor) -> None:
            visitor.press("Edit Ada Okafor")
            expect(visitor.button("Update User")).to_be_visible()

        def open_menu(visitor: Visitor) -> None:
            visitor.page.get_by_text("Users", exact=True).click()

        def refuse_settings(visitor: Visitor) -> None:
            visitor.fill(Organization="", **{"Assignments link": "riverside.example"})
            visitor.press("Save settings").sees("begins with https://")

        return [
            PageState("batch", f"{_ACCOUNT}/batches/{self.batch.id}", OWNER, self._wait_until_sent),
            PageState("home", f"{_ACCOUNT}/", OWNER),
            PageState("home-menu", f"{_ACCOUNT}/", OWNER, open_menu),
            PageState("invitations", f"{_ACCOUNT}/invitations", OWNER),
            PageState("invitations-older", f"{_ACCOUNT}/invitations?page=2", OWNER),
            PageState(
                "invitations-without_authority",
                f"{_ACCOUNT}/invitations?status=without_authority",
                OWNER,
            ),
            PageState(
                "batch-without_authority", f"{_ACCOUNT}/batches/{self.without_authority.id}", OWNER
            ),
            PageState("invitations-failed", f"{_ACCOUNT}/invitations?status=failed", OWNER),
            PageState("invitations-copy-link", f"{_ACCOUNT}/invitations", OWNER, open_link),
            PageState("invitations-nobody", f"{_ACCOUNT}/invitations?search=nobody", OWNER),
            PageState("personal-link", f"{_ACCOUNT}/invitations/{self.pending.id}/link", OWNER),
            PageState("active", f"{_ACCOUNT}/users", OWNER),
            PageState("active-line-lost", f"{_ACCOUNT}/users", OWNER, _lose_the_line),
            PageState("active-edit", f"{_ACCOUNT}/users?search=ada", OWNER, edit),
            PageState(
                "active-edit-unconfirmed",
                f"{_ACCOUNT}/users?search=ulf",
                OWNER,
                lambda v: v.press("Edit Ulf Unsure").sees("so you can't give them a higher role"),
            ),
            PageState(
                "active-deactivated",
                f"{_ACCOUNT}/users?search=adeyemi",
                OWNER,
                lambda v: v.press("Deactivate Ana Adeyemi").sees("is now inactive"),
            ),
            PageState("active-edit-page", f"{_ACCOUNT}/users/{ada.id}/edit", OWNER),
            PageState("active-nobody", f"{_ACCOUNT}/users?search=nobody", OWNER),
            PageState("active-moderator", f"{_ACCOUNT}/users", "mo@example.org"),
            PageState("leaving", f"{_ACCOUNT}/leaving", "mo@example.org"),
            PageState("leaving-only-owner", f"{_ACCOUNT}/leaving", OWNER),
            PageState("inactive", f"{_ACCOUNT}/users/inactive", OWNER),
            PageState("permanent-invite", f"{_ACCOUNT}/permanent-invite", OWNER),
            PageState("permanent-invite-delete", f"{_ACCOUNT}/permanent-invite/deletion", OWNER),
            PageState("activity", f"{_ACCOUNT}/audit-log", OWNER),
            PageState("activity-none", f"{_ACCOUNT}/audit-log?search=nowhere", OWNER),
            PageState("settings", f"{_ACCOUNT}/settings", OWNER),
            PageState("settings-refused", f"{_ACCOUNT}/settings", OWNER, refuse_settings),
            PageState("mail", "/mail", OWNER, lambda v: v.sees("can't look up this domain")),
            PageState(
                "mail-taken",
                "/mail",
                OWNER,
                lambda v: _try_mail(v).sees("server accepted the email"),
            ),
            PageState(
                "mail-refused",
                "/mail",
                OWNER,
                lambda v: _try_mail(v, "full@example.org").sees("try another address"),
            ),
        ]

    def composing(self) -> list[PageState]:
        """The New Invitation page."""
        file = "Email\n" + "\n".join(f"guest{number}@example.org" for number in range(1200))

        def write(visitor: Visitor) -> None:
            visitor.fill(Email=_TYPED).sees("duplicate")

        def drop(visitor: Visitor) -> None:
            visitor.choose_file("guests.csv", file.encode()).sees("1,200 rows, listed below")

        def drop_mixed(visitor: Visitor) -> None:
            visitor.choose_file("volunteers.csv", _MIXED.encode()).sees("rows, listed below")

        def show_format(visitor: Visitor) -> None:
            rows = "Imię;E-mail\nŁukasz;lukasz@example.org\nŻaneta;zaneta@example.org\n"
            visitor.choose_file("lista.csv", rows.encode("cp1250")).sees("Windows-1250")
            visitor.page.get_by_text("Windows-1250").first.click()

        def show_all(visitor: Visitor) -> None:
            drop_mixed(visitor)
            visitor.press("Exclude row 6").sees("excluded by you").press("All 11")
            expect(visitor.page.locator(".staged-rows tbody tr")).to_have_count(11)

        def send_many(visitor: Visitor) -> None:
            drop(visitor)
            visitor.press("Send Invitation").sees("Check this box")

        def drop_wrong_file(visitor: Visitor) -> None:
            visitor.fill(Email="amina@example.org")
            visitor.choose_file("list.pdf", _PDF, "application/pdf").sees("can't be read as a list")

        correct = f"{_ACCOUNT}/invitations/{self.pending.id}/corrected"
        return [
            PageState("compose-understood", _COMPOSE, OWNER, write),
            PageState("compose-file", _COMPOSE, OWNER, drop),
            PageState("compose-list", _COMPOSE, OWNER, drop_mixed),
            PageState("compose-list-all", _COMPOSE, OWNER, show_all),
            PageState("compose-list-format", _COMPOSE, OWNER, show_format),
            PageState("compose-very-many", _COMPOSE, OWNER, send_many),
            PageState("compose-wrong-file", _COMPOSE, OWNER, drop_wrong_file),
            PageState("compose-correct", correct, OWNER),
            PageState("compose-moderator", _COMPOSE, "mo@example.org"),
        ]

    def logged_out(self) -> list[PageState]:
        """Where somebody is logged out while they write."""

        def type_logged_out(visitor: Visitor) -> None:
            visitor.context.clear_cookies()
            visitor.fill(Email=_TYPED).sees("You have been logged out.")

        def send_logged_out(visitor: Visitor) -> None:
            visitor.log_in("mo@example.org")
            visitor.open(_COMPOSE).fill(Email=_TYPED).sees("duplicate")
            visitor.context.clear_cookies()
            visitor.press("Send Invitation").sees("Nothing was sent.")

        return [
            PageState("compose-logged-out", _COMPOSE, "mo@example.org", type_logged_out),
            PageState("logged-out", "/login", "mo@example.org", send_logged_out),
        ]

    def invitees(self) -> list[PageState]:
        """The pages behind the links that people get."""
        mailed, join = self.links.mailed_invitation, self.links.permanent(self.link)
        old = invite(self.server.owner, utcnow(), "replaced@example.org")
        answers.decline(old, utcnow())
        send(self.server.owner, utcnow(), "replaced@example.org")
        leaving = invite(self.server.owner, utcnow(), "leaving@example.org")
        unsubscribe = self.links.unsubscribe(
            invite(self.server.owner, utcnow(), "no.more@example.org")
        )

        def refuse(visitor: Visitor) -> None:
            visitor.fill(Name="", Password="short").press("Accept").sees("This can't be empty")

        def refuse_joining(visitor: Visitor) -> None:
            visitor.fill(Name="Ada", Email="ada@example.org", Password="a horse in the rain")
            visitor.press("Join").sees("Log in instead")

        def join_where_others_sit(visitor: Visitor) -> None:
            visitor.type("Password", "qwertyuiop").sees("Too easy to guess")
            visitor.page.get_by_text("On a shared computer?").click()

        def copied(copier: Membership) -> str:
            return self.links.copied_invitation(self.pending, copier)

        return [
            PageState("invitation", mailed(self.pending)),
            PageState("invitation-refused", mailed(self.pending), act=refuse),
            PageState(
                "invitation-decline",
                mailed(leaving),
                act=lambda v: v.press("Decline").sees("You declined the invitation"),
            ),
            PageState("invitation-declined-before", mailed(self.declined)),
            PageState("invitation-accepted", mailed(self.accepted)),
            PageState("invitation-accepted-member", mailed(self.accepted), "accepted@example.org"),
            PageState("invitation-expired", mailed(self.expired)),
            PageState("invitation-revoked", mailed(self.revoked)),
            PageState("invitation-replaced", mailed(old)),
            PageState("invitation-unknown", "/invitation/1-unknown"),
            PageState("link-hidden", "/password-reset/opened"),
            PageState("invitation-copied", copied(self.server.owner)),
            PageState("invitation-copied-ended", copied(self.gone)),
            PageState("login-invited", mailed(self.known)),
            PageState("invitation-wrong-person", mailed(self.pending), "uma@example.org"),
            PageState("invitation-unconfirmed", mailed(self.unconfirmed), "una@example.org"),
            PageState("unsubscribe", unsubscribe),
            PageState(
                "unsubscribe-said-so",
                unsubscribe,
                act=lambda v: v.press("Unsubscribe").sees("You are unsubscribed"),
            ),
            PageState("unsubscribe-list", f"{_ACCOUNT}/invitations?search=no.more", OWNER),
            PageState("unsubscribe-unknown", "/unsubscribe/1-unknown"),
            PageState("join", join),
            PageState("join-refused", join, act=refuse_joining),
            PageState("join-shared", join, act=join_where_others_sit),
            PageState("join-accept", join, "night@elsewhere.example"),
            PageState("join-member", join, "uma@example.org"),
            PageState("join-removed", join, "gil@example.org"),
            PageState("join-deleted", "/join/1-deleted"),
        ]

    def profiles(self) -> list[PageState]:
        """What belongs to a person, and not to an account."""
        uma = User.get(User.email == "uma@example.org")
        una = User.get(User.email == "una@example.org")
        email_tokens.send_link(una, EmailTokenPurpose.CONFIRM_EMAIL, una.email, utcnow())
        email_tokens.send_link(uma, EmailTokenPurpose.RESET_PASSWORD, uma.email, utcnow())
        confirm, reset = map(self.links.email_token, EmailToken.select().order_by(EmailToken.id))

        def refuse(visitor: Visitor) -> None:
            visitor.fill(**{"Current password": "wrong", "New password": "short"})
            visitor.press("Change password").sees("isn't your current password")

        def be_signed_in_elsewhere(visitor: Visitor) -> None:
            for device, shared in ((_PHONE, False), ("", False), (_OFFICE, True)):
                sessions.start(User.get_by_id(uma.id), device, utcnow(), shared=shared)
            visitor.page.reload()
            visitor.type("New password", "a horse in the rain").sees("Very strong")

        def mistype(visitor: Visitor) -> None:
            visitor.fill(**{"New password": "a horse in", "Repeat the new password": "the rain"})
            visitor.press("Set password").sees("don't match")

        return [
            PageState("home-user", f"{_ACCOUNT}/", uma.email),
            PageState("home-unconfirmed", f"{_ACCOUNT}/", "ulf@example.org"),
            PageState("no-longer-active", f"{_ACCOUNT}/", self.gone.user.email),
            PageState("accounts-invited", "/accounts", uma.email),
            PageState("accounts-nobody", "/accounts", una.email),
            PageState("profile-refused", "/profile", uma.email, refuse),
            PageState("profile-devices", "/profile", uma.email, be_signed_in_elsewhere),
            PageState("error-403", f"{_ACCOUNT}/invitations", uma.email),
            PageState("confirm-email", confirm, una.email),
            PageState("confirm-email-closed", "/confirm-email/1-closed", una.email),
            PageState("password-reset-open", reset),
            PageState("password-reset-refused", reset, act=mistype),
        ]

    def two_step(self) -> list[PageState]:
        """What is asked beside a password."""
        uma = User.get(User.email == "uma@example.org")
        own = "/profile/two-step"

        def set_up(visitor: Visitor) -> None:
            two_step.disable(uma, utcnow())
            app = totp.create(uma, utcnow())
            app.confirmed_at = utcnow()
            app.save()
            recovery_codes.make(uma, utcnow())
            for name in ("Uma's phone", "Key on the ring"):
                key = {"credential_id": name.encode(), "public_key": b"", "sign_count": 0}
                Passkey.create(user=uma, name=name, created_at=utcnow(), **key)
            visitor.page.reload()

        def be_asked(visitor: Visitor) -> None:
            visitor.fill(Email=uma.email, Password=PASSWORD).press("Log in")
            visitor.sees_heading("Two-step verification")

        def guess(visitor: Visitor) -> None:
            visitor.page.get_by_text("Can't use your app or passkey?").click()
            visitor.fill(**{"Recovery code": "ABCD"}).press("Log in with a recovery code")
            visitor.sees("This code isn't right")

        def offer_app(visitor: Visitor) -> None:
            visitor.fill(**{"Your password": PASSWORD}).press("Continue").is_at(f"{own}/app/key")

        def refuse_password(visitor: Visitor) -> None:
            visitor.fill(**{"Your password": "wrong"}).press("Continue").sees("isn't your current")

        return [
            PageState("two-step-none", own, uma.email),
            PageState("two-step-password", f"{own}/app", uma.email),
            PageState("two-step-refused", f"{own}/app", uma.email, refuse_password),
            PageState("two-step-key", f"{own}/app", uma.email, offer_app),
            PageState("two-step-passkey", f"{own}/passkeys", uma.email),
            PageState("two-step", own, uma.email, set_up),
            PageState("two-step-login", "/login", act=be_asked),
            PageState("two-step-login-refused", "/login/two-step", act=guess),
        ]


SETUPS = {
    "fresh": Setup(_fresh, is_set_up=False),
    "empty": Setup(_empty),
    "waiting": Setup(_waiting),
    "crowded": Setup(_crowded),
    "steered": Setup(_steered, smtp="there"),
    "down": Setup(_down, smtp="down"),
    "managing": Setup(_managing, smtp="there"),
    "inviting": Setup(_inviting, smtp="there"),
    "answering": Setup(_answering, smtp="there"),
    "profiles": Setup(_profiles, smtp="there"),
}
