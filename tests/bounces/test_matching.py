"""Mail that came back: which delivery is marked, and by what it isn't."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from invites.bounces import dsn, matching
from invites.bounces.matching import ReportOutcome
from invites.core.tokens import Purpose, Signer
from invites.models import Delivery, DeliveryKind, DeliveryState, Invitation
from invites.outbox import enqueue, journal, queue
from tests.bounces.test_dsn import KEY, report, sample
from tests.conftest import NOW
from tests.support.actions import invite, reread

SIGNER = Signer([KEY])

FAILED = "Final-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\n"


@pytest.fixture
def delivery(database, now):
    """The mail that the samples are about, taken by the mail server."""
    return mail("kim@example.org", now, id=1207, finished_at=now + timedelta(seconds=2))


def mail(email, now, state=DeliveryState.SENT, **more):
    fields = {"kind": DeliveryKind.INVITATION, "priority": 20, "due_at": now, "created_at": now}
    return Delivery.create(recipient=email, state=state, **fields | more)


def take_in(raw):
    return matching.process(raw, SIGNER, NOW).outcome


def stands(delivery):
    return reread(delivery).state


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.UNKNOWN])
def test_a_bounce_marks_its_mail_with_the_words_of_the_report(delivery, state):
    delivery.state = state
    delivery.save()
    assert take_in(sample("gmail")) is ReportOutcome.BOUNCED
    after = reread(delivery)
    assert after.state == DeliveryState.BOUNCED
    assert after.reply_code == 550
    assert after.reply_text == "5.1.1 The email account that you tried to reach does not exist."
    assert after.finished_at == delivery.finished_at


@pytest.mark.parametrize(
    "server",
    [
        "postfix",
        "postfix-alias",
        "exim",
        "exim-old",
        "qmail",
        "exchange-online",
        "exchange-quoting",
        "gmail",
        "amazon-ses",
    ],
)
def test_the_bounces_of_the_common_mail_servers_are_understood(delivery, server):
    assert take_in(sample(server)) is ReportOutcome.BOUNCED
    assert stands(delivery) == DeliveryState.BOUNCED


def test_the_same_report_twice_changes_nothing_more(delivery):
    take_in(sample("postfix"))
    before = reread(delivery).reply_text
    assert take_in(sample("gmail")) is ReportOutcome.IGNORED
    assert reread(delivery).reply_text == before


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("delayed", ReportOutcome.DELAYED),
        ("delivered", ReportOutcome.IGNORED),
        ("vacation", ReportOutcome.IGNORED),
        ("reply", ReportOutcome.IGNORED),
        ("read-receipt", ReportOutcome.IGNORED),
        ("complaint", ReportOutcome.IGNORED),
        ("spam", ReportOutcome.IGNORED),
    ],
)
def test_everything_else_leaves_the_mail_as_it_is(delivery, name, outcome):
    assert take_in(sample(name)) is outcome
    assert stands(delivery) == DeliveryState.SENT


def test_a_mail_that_was_given_up_after_days_has_come_back_too(delivery):
    given_up = FAILED.format("kim@example.org").replace("5.1.1", "4.4.7")
    assert "4.4.7" in given_up
    assert take_in(report(given_up)) is ReportOutcome.BOUNCED
    assert stands(delivery) == DeliveryState.BOUNCED


def test_a_report_for_another_recipient_marks_nothing(delivery):
    assert take_in(report(FAILED.format("pat@example.org"))) is ReportOutcome.IGNORED
    assert stands(delivery) == DeliveryState.SENT


@pytest.mark.parametrize("difference", [{"id": 1208}, {"created_at": timedelta(seconds=1)}])
def test_who_got_another_mail_cannot_report_this_one(delivery, now, difference):
    """Not that of their neighbour in the batch, nor one of the same number before a restore."""
    mail = SimpleNamespace(id=1207, created_at=now)
    for name, more in difference.items():
        setattr(mail, name, more if name == "id" else now + more)
    theirs = SIGNER.token(Purpose.MESSAGE_ID, mail).partition("-")[2]
    found = dsn.read(sample("postfix"))
    forged = replace(found, origin=f"1207-{theirs}")
    assert matching.record(forged, SIGNER, NOW).outcome is ReportOutcome.IGNORED
    assert stands(delivery) == DeliveryState.SENT


def test_a_link_in_the_mail_is_no_proof_of_a_report(delivery):
    found = dsn.read(sample("postfix"))
    other = replace(found, origin=SIGNER.token(Purpose.UNSUBSCRIBE, delivery))
    assert matching.record(other, SIGNER, NOW).outcome is ReportOutcome.IGNORED


@pytest.mark.parametrize("delivery_id", [0, 1208, 10**18 - 1, 10**30])
def test_an_id_that_is_no_mail_of_ours_marks_nothing(delivery, delivery_id):
    found = dsn.read(sample("postfix"))
    other = replace(found, origin=found.origin.replace("1207", str(delivery_id)))
    assert matching.record(other, SIGNER, NOW).outcome is ReportOutcome.IGNORED


def test_the_case_of_an_address_does_not_matter(delivery):
    assert take_in(report(FAILED.format("<KIM@Example.ORG>"))) is ReportOutcome.BOUNCED


def test_a_list_of_which_one_address_got_the_mail_has_not_bounced(delivery):
    both = (
        "Original-Recipient: rfc822; kim@example.org\n" + FAILED.format("one@example.org"),
        "Original-Recipient: rfc822; kim@example.org\nFinal-Recipient: rfc822; two@example.org\n"
        "Action: delivered\nStatus: 2.0.0\n",
    )
    assert take_in(report("\n".join(both))) is ReportOutcome.IGNORED
    assert stands(delivery) == DeliveryState.SENT


def test_a_report_on_a_try_whose_answer_was_lost_marks_the_mail_and_spares_the_second(
    delivery, now
):
    waits = {
        "state": DeliveryState.QUEUED,
        "unknown_outcomes": 1,
        "priority": 10,
        "finished_at": None,
    }
    Delivery.update(waits).where(Delivery.id == delivery.id).execute()
    (waiting,) = queue.urgent(now, 10)
    assert take_in(sample("postfix")) is ReportOutcome.BOUNCED
    assert stands(delivery) == DeliveryState.BOUNCED
    assert queue.urgent(now, 10) == []
    assert journal.write([], [waiting], now) == set()
    assert stands(delivery) == DeliveryState.BOUNCED
    assert reread(delivery).finished_at == NOW


@pytest.mark.parametrize(
    "state", [DeliveryState.QUEUED, DeliveryState.FAILED, DeliveryState.WITHDRAWN]
)
def test_a_mail_that_no_mail_server_took_cannot_come_back(delivery, state):
    delivery.state = state
    delivery.save()
    assert take_in(sample("postfix")) is ReportOutcome.IGNORED
    assert stands(delivery) == state


def test_a_report_that_overtakes_the_worker_is_to_be_read_again(delivery):
    delivery.state = DeliveryState.SENDING
    delivery.save()
    assert take_in(sample("postfix")) is ReportOutcome.TOO_EARLY
    assert stands(delivery) == DeliveryState.SENDING


def mailed(owner, now, email, state=DeliveryState.SENT):
    """One more mail to somebody who is invited, and what became of it."""
    invitation = Invitation.get_or_none(
        Invitation.email == email, Invitation.account == owner.account
    )
    if invitation is None:
        invitation = invite(owner, now, email)
    else:
        enqueue.queue_invitation(invitation, now)
    newest = Delivery.select().where(Delivery.invitation == invitation).order_by(Delivery.id.desc())
    Delivery.update(state=state).where(Delivery.id == newest.get().id).execute()


class TestHasBounced:
    @pytest.fixture
    def bounced(self, owner):
        """Those who bounced of so many names at example.org, for Riverside Relief."""

        def ask(*names):
            emails = [f"{name}@example.org" for name in names]
            found = matching.bounced_addresses(owner.account, emails)
            return {email.partition("@")[0] for email in found}

        return ask

    def test_addresses_whose_newest_mail_came_back(self, owner, now, bounced):
        mailed(owner, now, "back@example.org", DeliveryState.BOUNCED)
        mailed(owner, now, "well@example.org")
        mailed(owner, now, "later@example.org", DeliveryState.BOUNCED)
        mailed(owner, now, "later@example.org")
        mailed(owner, now, "again@example.org")
        mailed(owner, now, "again@example.org", DeliveryState.BOUNCED)
        assert bounced("back", "well", "later", "again", "new") == {"back", "again"}
        assert bounced("well", "later") == set()
        assert bounced() == set()

    @pytest.mark.parametrize(
        "state", [DeliveryState.QUEUED, DeliveryState.FAILED, DeliveryState.WITHDRAWN]
    )
    def test_a_later_mail_that_nobody_took_tells_nothing_new(self, owner, now, bounced, state):
        mailed(owner, now, "back@example.org", DeliveryState.BOUNCED)
        mailed(owner, now, "back@example.org", state)
        assert bounced("back") == {"back"}

    def test_only_those_asked_for_are_told(self, owner, now, bounced):
        mailed(owner, now, "back@example.org", DeliveryState.BOUNCED)
        assert bounced("new") == set()

    def test_what_another_account_sent_is_not_told(self, people, now, bounced):
        mailed(people.stranger, now, "back@example.org", DeliveryState.BOUNCED)
        assert bounced("back") == set()

    def test_tens_of_thousands_may_be_asked_at_once(self, owner, now, bounced):
        mailed(owner, now, "p7@example.org", DeliveryState.BOUNCED)
        assert bounced(*(f"p{n}" for n in range(50_000))) == {"p7"}
