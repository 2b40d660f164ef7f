"""The outcome of every entry of a list."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invites import db
from invites.core import addresses
from invites.core.errors import Reason
from invites.core.roles import Role
from invites.invitations import classify, edits, manage, staging, unsubscribe
from invites.invitations.quotas import MAILS_PER_ADDRESS
from invites.invitations.review import review_entries
from invites.lists import suggestions
from invites.lists.email_field import read_field
from invites.lists.entries import Entry
from invites.lists.table import Choice
from invites.members import accounts, answers, memberships
from invites.models import ON_REQUEST, EntryOutcome, StagedRow
from tests.support.actions import invite, refused
from tests.support.address_inputs import INPUTS
from tests.support.people import make_user


def outcomes(account, now, *emails):
    classification = classify.classify(account, [Entry(email) for email in emails], now)
    return [one.outcome for one in classification.classified]


def test_each_entry_gets_its_outcome(people, owner, now):
    make_user("Pia Profile", "pia@example.org", now)
    memberships.deactivate(owner, people[Role.USER], now)
    invite(owner, now, "pending@example.org")
    answers.decline(invite(owner, now, "no@example.org"), now)
    found = {
        "new@example.org": EntryOutcome.INVITE,
        "pia@example.org": EntryOutcome.INVITE,
        "zoe@elsewhere.example": EntryOutcome.INVITE,
        "ada@example.org": EntryOutcome.MEMBER,
        "uma@example.org": EntryOutcome.REMOVED,
        "no@example.org": EntryOutcome.DECLINED,
        "pending@example.org": EntryOutcome.PENDING,
        "NEW@example.org": EntryOutcome.DUPLICATE,
        "nobody": EntryOutcome.INVALID,
    }
    assert outcomes(owner.account, now, *found) == list(found.values())


def test_members_do_not_learn_who_has_a_profile(people, account, now):
    alone, elsewhere = make_user("Pia", "pia@example.org", now), people.stranger.user
    found = outcomes(account, now, "new@example.org", alone.email, elsewhere.email)
    assert found == [EntryOutcome.INVITE] * 3


def test_an_address_is_recognized_in_any_spelling(people, account, now):
    assert outcomes(account, now, " ADA@Example.org ") == [EntryOutcome.MEMBER]


def test_an_invalid_entry_says_why(account, now):
    (one,) = classify.classify(account, [Entry("ada@localhost", 7)], now).classified
    assert (one.problem, one.email, one.entry.row) == (Reason.ADDRESS_NO_DOT, "", 7)


def test_an_invalid_entry_has_a_suggestion(account, now):
    (one,) = classify.classify(account, [Entry("ada@gmailcom")], now).classified
    assert (one.outcome, one.suggestion) == (EntryOutcome.INVALID, "ada@gmail.com")


def test_two_addresses_in_one_entry_are_a_problem_of_their_own(account, now):
    (one,) = classify.classify(account, [Entry("ada@example.org; ben@example.org")], now).classified
    assert (one.problem, one.suggestion) == (Reason.ADDRESS_MULTIPLE, "ada@example.org")


def test_an_address_that_looks_misspelled_is_invited_only_if_kept_as_is(account, now):
    listed = [Entry("ada@gmial.com"), Entry("ada@gmial.com", kept_as_is=True)]
    held, meant = classify.classify(account, listed, now).classified
    assert (held.outcome, held.email) == (EntryOutcome.INVALID, "")
    assert (held.problem, held.suggestion) == (Reason.ADDRESS_MISSPELLED, "ada@gmail.com")
    assert (meant.outcome, meant.email) == (EntryOutcome.INVITE, "ada@gmial.com")


def test_one_entry_can_be_read_and_looked_up_alone(people, account, now):
    assert classify.read(Entry("ADA@example.org")) == ("ada@example.org", None, "")
    assert classify.read(Entry("ada@")) == ("", Reason.ADDRESS_NO_DOT, "")
    assert classify.outcomes_on_record(account, ["ada@example.org", "new@example.org"], now) == {
        "ada@example.org": EntryOutcome.MEMBER
    }
    assert classify.outcomes_on_record(account, [], now) == {}


def test_the_same_invalid_entry_twice_is_invalid_twice(account, now):
    assert outcomes(account, now, "nobody", "nobody") == [
        EntryOutcome.INVALID,
        EntryOutcome.INVALID,
    ]


def test_invitations_of_another_account_do_not_count(people, account, now):
    invite(people.stranger, now, "pending@example.org")
    assert outcomes(account, now, "pending@example.org") == [EntryOutcome.INVITE]


def test_an_expired_invitation_does_not_prevent_a_new_one(owner, now):
    invitation = invite(owner, now)
    assert outcomes(owner.account, invitation.expires_at, invitation.email) == [EntryOutcome.INVITE]


def test_people_can_be_invited_again_after_a_revocation(owner, now):
    manage.revoke(owner, invite(owner, now), now)
    assert outcomes(owner.account, now, "new@example.org") == [EntryOutcome.INVITE]


class TestDeclined:
    def test_a_declined_invitation_counts_after_it_expired_or_was_revoked(self, owner, now):
        declined = invite(owner, now)
        answers.decline(declined, now)
        assert outcomes(owner.account, declined.expires_at, declined.email) == [
            EntryOutcome.DECLINED
        ]
        manage.revoke(owner, declined, now)
        assert outcomes(owner.account, now, declined.email) == [EntryOutcome.DECLINED]

    def test_a_second_invitation_is_pending_until_it_expires(self, owner, now):
        answers.decline(invite(owner, now), now)
        again = invite(owner, now)
        assert outcomes(owner.account, now, again.email) == [EntryOutcome.PENDING]
        assert outcomes(owner.account, again.expires_at, again.email) == [EntryOutcome.DECLINED]

    def test_declining_counts_more_than_having_a_profile(self, people, owner, now):
        zoe = people.stranger.user.email
        answers.decline(invite(owner, now, zoe), now)
        assert outcomes(owner.account, now, zoe) == [EntryOutcome.DECLINED]

    def test_somebody_who_declined_and_then_joined_is_a_member_and_later_removed(
        self, people, owner, now
    ):
        zoe = people.stranger.user
        invitation = invite(owner, now, zoe.email)
        answers.decline(invitation, now)
        member = answers.accept(invitation, zoe, now)
        assert outcomes(owner.account, now, zoe.email) == [EntryOutcome.MEMBER]
        memberships.deactivate(owner, member, now)
        assert outcomes(owner.account, now, zoe.email) == [EntryOutcome.REMOVED]

    def test_the_later_of_a_removal_and_a_declined_invitation_counts(self, people, owner, now):
        email = people[Role.USER].user.email
        memberships.deactivate(owner, people[Role.USER], now)
        answers.decline(invite(owner, now, email), now + timedelta(days=1))
        assert outcomes(owner.account, now, email) == [EntryOutcome.DECLINED]

    def test_declining_another_accounts_invitation_has_no_effect(self, people, account, now):
        answers.decline(invite(people.stranger, now), now)
        assert outcomes(account, now, "new@example.org") == [EntryOutcome.INVITE]


def test_a_removed_member_who_is_invited_again_is_pending(people, owner, now):
    memberships.deactivate(owner, people[Role.USER], now)
    invite(owner, now, "uma@example.org")
    assert outcomes(owner.account, now, "uma@example.org") == [EntryOutcome.PENDING]


def test_a_member_with_a_pending_invitation_is_a_member(people, owner, now):
    second = accounts.create("Second", people.stranger.user, now)
    boss = accounts.find_membership(people.stranger.user, second.slug)
    invite(boss, now, "ada@example.org")
    memberships.join(second, people[Role.ADMIN].user, Role.USER, now, joined_by="permanent_link")
    assert outcomes(second, now, "ada@example.org") == [EntryOutcome.MEMBER]


def test_people_who_were_removed_or_declined_are_invited_only_on_request(people, owner, now):
    memberships.deactivate(owner, people[Role.USER], now)
    answers.decline(invite(owner, now, "no@example.org"), now)
    emails = ("uma@example.org", "no@example.org", "new@example.org")
    classification = classify.classify(owner.account, [Entry(email) for email in emails], now)

    def invited(*also):
        return [email for email, _name in classification.recipients(classify.invited(also))]

    assert invited() == ["new@example.org"]
    assert invited(EntryOutcome.REMOVED) == ["uma@example.org", "new@example.org"]
    assert invited(EntryOutcome.DECLINED) == ["no@example.org", "new@example.org"]
    assert invited(*ON_REQUEST) == list(emails)


def test_the_fingerprint_changes_with_entries_and_outcomes(owner, now):
    def fingerprint(*emails):
        return classify.classify(owner.account, [Entry(email) for email in emails], now).fingerprint

    before = fingerprint("new@example.org", "wrong")
    assert fingerprint("new@example.org", "wrong") == before
    assert fingerprint("new@example.org", "wrong", "wrong") != before
    assert fingerprint("new@example.org", "wronger") != before
    invite(owner, now)
    assert fingerprint("new@example.org", "wrong") != before


def test_the_first_of_many_can_be_shown(account, now):
    classification = classify.classify(account, [Entry(f"wrong {n}") for n in range(10)], now)
    shown = classification.of(EntryOutcome.INVALID, 3)
    assert [one.entry.text for one in shown] == ["wrong 0", "wrong 1", "wrong 2"]
    assert len(classification.of(EntryOutcome.INVALID)) == len(classification) == 10


@pytest.mark.slow
def test_50_000_entries_are_classified_and_one_more_is_refused(owner, now):
    entries = [Entry(f"person{n}@example.org") for n in range(50_000)]
    classification = classify.classify(
        owner.account, [*entries[:-1], Entry("olive@example.org")], now
    )
    assert classification.counts == {EntryOutcome.INVITE: 49_999, EntryOutcome.MEMBER: 1}
    with refused(Reason.LIST_TOO_LONG):
        review_entries(owner.account, [*entries, entries[0]], None, now)


def test_typed_entries_that_take_too_long_to_read_are_refused(account, now, monkeypatch):
    monkeypatch.setattr(classify, "_MAX_SECONDS_TYPED", 0)
    with refused(Reason.LIST_TOO_SLOW):
        classify.classify(account, [Entry("ada@example.org")], now)


def test_a_file_that_takes_too_long_to_read_is_refused(monkeypatch):
    monkeypatch.setattr(classify, "_MAX_SECONDS", 0)
    with refused(Reason.FILE_UNREADABLE):
        classify.read_all([Entry("ada@example.org")])


def test_a_quick_look_at_an_entry_finds_the_same_address_as_a_full_one():
    texts = [*INPUTS, "ada@gmial.com", "ada@example.org ::: ada@example.net"]
    for entry in [Entry(text, kept_as_is=kept) for text in texts for kept in (False, True)]:
        assert classify._valid_email(entry) == classify.read(entry)[0]


@pytest.mark.parametrize(
    "pattern",
    ["p@town{}.org", "p@-town{}.org", "p@town{}", "a{0}@b{0}.c@d{0}.e", "a!{}@b.org", "<{}@b.org"],
)
def test_the_costly_questions_are_asked_for_the_shown_entries_only(
    account, now, monkeypatch, pattern
):
    asked = []

    def counted(rule):
        return lambda *arguments, **named: asked.append(arguments) or rule(*arguments, **named)

    monkeypatch.setattr(addresses, "validate_email", counted(addresses.validate_email))
    monkeypatch.setattr(suggestions, "suggestion", counted(suggestions.suggestion))
    several = counted(suggestions.has_several_addresses)
    monkeypatch.setattr(suggestions, "has_several_addresses", several)
    entries = [Entry(pattern.format(number)) for number in range(500)]
    classification = classify.classify(account, entries, now)
    assert asked == []
    invalid = classification.of(EntryOutcome.INVALID, 8)
    assert [bool(one.problem) for one in invalid] == [True] * len(invalid)
    assert len(asked) <= 8 * 6


texts = st.text(max_size=20) | st.sampled_from(
    ["ada@example.org", "ADA@example.org", "uma@example.org", "p@example.org", "new@example.org"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(texts | st.emails(), max_size=15), st.sets(st.sampled_from(sorted(ON_REQUEST))))
@pytest.mark.slow
def test_the_totals_add_up_and_nobody_is_invited_twice(people, now, typed, also):
    classification = classify.classify(
        people.stranger.account, [Entry(text) for text in typed], now
    )
    assert sum(classification.counts.values()) == len(classification) == len(typed)
    assert [one.entry.text for one in classification.classified] == typed
    invited = [email for email, _name in classification.recipients(classify.invited(also))]
    assert len(invited) == len(set(invited))
    assert [addresses.canonical(email) for email in invited] == invited


@pytest.mark.parametrize("count", [499, 500, 501, 1001])
def test_long_lists_are_looked_up_to_the_last_address(people, owner, now, count):
    emails = [f"person{n}@example.org" for n in range(count - 1)] + ["uma@example.org"]
    assert outcomes(owner.account, now, *emails)[-1] is EntryOutcome.MEMBER


LINES = (
    *("new@example.org", "NEW@example.org", "ada@example.org", "uma@example.org"),
    *("p@example.org", "no@example.org", "out@example.org", "bo@example.org", "a@gmial.com"),
    *("zoe@elsewhere.example", "nobody", "ada@localhost", "ada@@example.org", "x@exa_mple.org"),
    *(
        "<new@example.org>",
        "mailto:p@example.org",
        "\u200bno@example.org",
        "ann@b\u00fccher.example",
    ),
)


@pytest.fixture
def everybody(people, owner, now):
    """Somebody for every outcome that the database decides."""
    memberships.deactivate(owner, people[Role.USER], now)
    invite(owner, now, "p@example.org")
    answers.decline(invite(owner, now, "no@example.org"), now)
    unsubscribe.unsubscribe(invite(owner, now, "out@example.org"), now)
    for _ in range(MAILS_PER_ADDRESS):
        manage.revoke(owner, invite(owner, now, "bo@example.org"), now)
    return owner


def typed_outcomes(owner, lines, now):
    entries = read_field("\n".join(lines))
    return [one.outcome for one in classify.classify(owner.account, entries, now).classified]


def uploaded(owner, lines, now):
    rows = "".join(f"{line},{number}\n" for number, line in enumerate(lines))
    staged = staging.stage(owner, "list.csv", f"Email,Number\n{rows}".encode(), now)
    staging.pick_columns(staged, Choice(0, None), now)
    return staged


def row_outcomes(staged):
    rows = StagedRow.select().where(StagedRow.list == staged.id).order_by(StagedRow.number)
    return [row.outcome for row in rows]


def test_the_generated_lines_have_every_outcome(everybody, now):
    expected = set(EntryOutcome) - {EntryOutcome.EXCLUDED}
    assert set(typed_outcomes(everybody, LINES, now)) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_typed_uploaded_and_edited_entries_get_the_same_outcomes(everybody, now, data):
    lines = data.draw(
        st.lists(
            st.sampled_from(LINES)
            | st.from_regex(r"[a-c]{1,2}@(gmail|gmial|a)\.(com|con|org)", fullmatch=True),
            min_size=1,
            max_size=8,
        )
    )
    with db.database.atomic() as undone:
        placeholders = [f"placeholder{n}@example.org" for n in range(len(lines))]
        edited = uploaded(everybody, placeholders, now)
        for number in data.draw(st.permutations(range(len(lines)))):
            edits.edit_row(edited, number + 2, lines[number], now)
        expected = typed_outcomes(everybody, lines, now)
        assert row_outcomes(edited) == expected
        assert row_outcomes(uploaded(everybody, ["x@example.org", *lines], now))[1:] == expected
        undone.rollback()
