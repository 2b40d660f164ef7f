"""Which delivery a report marks as bounced, and which reports mark none."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from invites.bounces import matching, reading
from invites.bounces.matching import ReportOutcome
from invites.core.tokens import Purpose, Signer
from invites.models import Delivery, DeliveryKind, DeliveryState, Invitation
from invites.outbox import enqueue, queue
from tests.bounces.test_reading import KEY, ORIGIN, report, sample
from tests.conftest import NOW
from tests.support.actions import invite, reread

SIGNER = Signer([KEY])

FAILED = "Final-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\n"


@pytest.fixture
def delivery(database, now):
    """The delivery that the samples are about."""
    return mail("kim@example.org", now, id=1207, finished_at=now + timedelta(seconds=2))


def mail(email, now, state=DeliveryState.SENT, **more):
    fields = {"kind": DeliveryKind.INVITATION, "priority": 20, "due_at": now, "created_at": now}
    return Delivery.create(recipient=email, state=state, **fields | more)


def process(raw):
    return matching.process(raw, SIGNER, NOW).outcome


def state_of(delivery):
    return reread(delivery).state


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.UNKNOWN])
def test_a_bounce_marks_its_delivery_with_the_text_of_the_report(delivery, state):
    delivery.state = state
    delivery.save()
    assert process(sample("gmail")) is ReportOutcome.BOUNCED
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
def test_bounces_of_common_mail_servers_are_understood(delivery, server):
    assert process(sample(server)) is ReportOutcome.BOUNCED
    assert state_of(delivery) == DeliveryState.BOUNCED


def test_a_second_report_changes_nothing(delivery):
    process(sample("postfix"))
    before = reread(delivery).reply_text
    assert process(sample("gmail")) is ReportOutcome.IGNORED
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
def test_other_messages_change_nothing(delivery, name, outcome):
    assert process(sample(name)) is outcome
    assert state_of(delivery) == DeliveryState.SENT


def test_a_message_that_was_given_up_after_days_has_bounced(delivery):
    given_up = FAILED.format("kim@example.org").replace("5.1.1", "4.4.7")
    assert "4.4.7" in given_up
    assert process(report(given_up)) is ReportOutcome.BOUNCED
    assert state_of(delivery) == DeliveryState.BOUNCED


def test_a_report_about_the_address_that_mail_is_forwarded_to_says_so(delivery):
    assert process(report(FAILED.format("kim@home.example.net"))) is ReportOutcome.BOUNCED
    after = reread(delivery)
    assert after.state == DeliveryState.BOUNCED
    assert after.reply_text == "The address it was forwarded to refused it. 5.1.1"


def test_a_report_is_believed_whoever_its_copy_is_addressed_to(delivery):
    other = sample("exim-old").replace(b"To: kim@example.org", b"To: undisclosed-recipients:;")
    assert process(other) is ReportOutcome.BOUNCED
    assert "forwarded" not in reread(delivery).reply_text


def test_a_report_in_words_that_names_nobody_is_about_the_recipient(delivery):
    words = f"From: postmaster@example.org\n\nUndeliverable.\n\nMessage-ID: <{ORIGIN}@example.org>"
    assert process(words.encode()) is ReportOutcome.BOUNCED
    assert reread(delivery).reply_text == "Undeliverable."


def test_a_report_that_says_nothing_known_is_not_understood(delivery):
    expired = "Final-Recipient: rfc822; kim@example.org\nAction: expired\nStatus: \n"
    assert process(report(expired)) is ReportOutcome.NOT_UNDERSTOOD
    assert state_of(delivery) == DeliveryState.SENT


@pytest.mark.parametrize("difference", [{"id": 1208}, {"created_at": timedelta(seconds=1)}])
def test_the_recipient_of_another_message_cannot_report_this_one(delivery, now, difference):
    """Neither of another delivery, nor of one with the same id before a restore."""
    mail = SimpleNamespace(id=1207, created_at=now)
    for name, more in difference.items():
        setattr(mail, name, more if name == "id" else now + more)
    theirs = SIGNER.token(Purpose.MESSAGE_ID, mail).partition("-")[2]
    found = reading.read(sample("postfix"))
    forged = replace(found, origin=f"1207-{theirs}")
    assert matching.record(forged, SIGNER, NOW).outcome is ReportOutcome.IGNORED
    assert state_of(delivery) == DeliveryState.SENT


def test_the_token_of_a_link_is_no_message_id(delivery):
    found = reading.read(sample("postfix"))
    other = replace(found, origin=SIGNER.token(Purpose.UNSUBSCRIBE, delivery))
    assert matching.record(other, SIGNER, NOW).outcome is ReportOutcome.IGNORED


@pytest.mark.parametrize("delivery_id", [0, 1208, 10**18 - 1, 10**30])
def test_an_unknown_id_changes_nothing(delivery, delivery_id):
    found = reading.read(sample("postfix"))
    other = replace(found, origin=found.origin.replace("1207", str(delivery_id)))
    assert matching.record(other, SIGNER, NOW).outcome is ReportOutcome.IGNORED


@pytest.mark.parametrize("named", ["<KIM@Example.ORG>", " kim@\u200bexample.org"])
def test_addresses_are_compared_in_their_canonical_form(delivery, named):
    assert process(report(FAILED.format(named))) is ReportOutcome.BOUNCED
    assert reread(delivery).reply_text == "5.1.1"


def test_the_recipient_of_an_international_domain_is_recognized(delivery):
    Delivery.update(recipient="kim@xn--bcher-kva.example.org").execute()
    assert process(report(FAILED.format("kim@B\u00fccher.example.org"))) is ReportOutcome.BOUNCED
    assert reread(delivery).reply_text == "5.1.1"


def test_a_mailing_list_that_reached_one_member_has_not_bounced(delivery):
    both = (
        "Original-Recipient: rfc822; kim@example.org\n" + FAILED.format("one@example.org"),
        "Original-Recipient: rfc822; kim@example.org\nFinal-Recipient: rfc822; two@example.org\n"
        "Action: delivered\nStatus: 2.0.0\n",
    )
    assert process(report("\n".join(both))) is ReportOutcome.IGNORED
    assert state_of(delivery) == DeliveryState.SENT


def test_a_report_about_an_attempt_without_a_reply_prevents_the_retry(delivery, now):
    waits = {
        "state": DeliveryState.QUEUED,
        "unknown_outcomes": 1,
        "priority": 10,
        "finished_at": None,
    }
    Delivery.update(waits).where(Delivery.id == delivery.id).execute()
    assert process(sample("postfix")) is ReportOutcome.BOUNCED
    assert state_of(delivery) == DeliveryState.BOUNCED
    assert queue.urgent(now, 10) == []
    assert state_of(delivery) == DeliveryState.BOUNCED
    assert reread(delivery).finished_at == NOW


@pytest.mark.parametrize(
    "state", [DeliveryState.QUEUED, DeliveryState.FAILED, DeliveryState.WITHDRAWN]
)
def test_a_message_that_was_not_sent_cannot_bounce(delivery, state):
    delivery.state = state
    delivery.save()
    assert process(sample("postfix")) is ReportOutcome.IGNORED
    assert state_of(delivery) == state


def test_a_report_before_the_result_is_recorded_is_too_early(delivery):
    delivery.state = DeliveryState.SENDING
    delivery.save()
    assert process(sample("postfix")) is ReportOutcome.TOO_EARLY
    assert state_of(delivery) == DeliveryState.SENDING


def mailed(owner, now, email, state=DeliveryState.SENT):
    """Creates another delivery to a person, in a state."""
    invitation = Invitation.get_or_none(
        Invitation.email == email, Invitation.account == owner.account
    )
    if invitation is None:
        invitation = invite(owner, now, email)
    else:
        enqueue.queue_invitation(invitation, now)
    newest = Delivery.select().where(Delivery.invitation == invitation).order_by(Delivery.id.desc())
    Delivery.update(state=state).where(Delivery.id == newest.get().id).execute()


class TestBouncedAddresses:
    @pytest.fixture
    def bounced(self, owner):
        """Those of the names at example.org whose mail bounced, for Riverside Relief."""

        def ask(*names):
            emails = [f"{name}@example.org" for name in names]
            found = matching.bounced_addresses(owner.account, emails)
            return {email.partition("@")[0] for email in found}

        return ask

    def test_addresses_whose_newest_mail_bounced(self, owner, now, bounced):
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
    def test_a_later_mail_that_was_not_sent_does_not_count(self, owner, now, bounced, state):
        mailed(owner, now, "back@example.org", DeliveryState.BOUNCED)
        mailed(owner, now, "back@example.org", state)
        assert bounced("back") == {"back"}

    def test_only_the_given_addresses_are_returned(self, owner, now, bounced):
        mailed(owner, now, "back@example.org", DeliveryState.BOUNCED)
        assert bounced("new") == set()

    def test_bounces_of_other_accounts_do_not_count(self, people, now, bounced):
        mailed(people.stranger, now, "back@example.org", DeliveryState.BOUNCED)
        assert bounced("back") == set()

    def test_tens_of_thousands_of_addresses_can_be_looked_up_at_once(self, owner, now, bounced):
        mailed(owner, now, "p7@example.org", DeliveryState.BOUNCED)
        assert bounced(*(f"p{n}" for n in range(50_000))) == {"p7"}
