"""Tokens in links, and codes."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.core.tokens import Purpose, Signer, repaired, row_id
from tests.conftest import NOW
from tests.support.actions import invite, reread


@dataclass
class SomeRow:
    id: int = 7
    created_at: object = NOW


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_opens_its_row_again_and_again(signer, purpose):
    token = signer.token(purpose, SomeRow())
    assert token == signer.token(purpose, SomeRow())
    assert row_id(token) == 7
    assert signer.matches(token, purpose, SomeRow())


TOKEN = "1207-xd2KjhHx4r_X3p1fA-XKOt-N"


@pytest.mark.parametrize(
    "end",
    [
        ".",
        ")",
        ").",
        ">",
        ">.",
        ",",
        "]",
        '"',
        "'",
        ";",
        "!",
        "?",
        " ",
        "\u00ad",
        "=20",
        "=3D",
        "%20",
        "&gt;",
    ],
)
def test_punctuation_after_a_token_is_no_part_of_it(end):
    for token in (TOKEN, f"7.{TOKEN}"):  # mailed, and copied by member 7
        assert repaired(token + end) == token
        assert repaired(f"{token}{end}more") == token


@pytest.mark.parametrize("break_", ["=\n", "=\r\n", "\n", " ", "\r\n ", "\u00ad", "\u200b", "="])
@pytest.mark.parametrize("at", [0, 2, 4, 5, 12, 28])
def test_a_line_break_within_a_token_is_no_part_of_it(break_, at):
    assert repaired(TOKEN[:at] + break_ + TOKEN[at:]) == TOKEN


@pytest.mark.parametrize(
    "token",
    ["", ".", "opened", TOKEN[:-1], TOKEN[:-1] + ".", TOKEN + "x", TOKEN + "-", "x" + TOKEN],
)
def test_other_tokens_are_not_repaired(token):
    assert repaired(token) == token


@given(st.text())
def test_no_text_repairs_to_another_row(text):
    assert repaired(text) in (text, repaired(repaired(text)))


@pytest.mark.parametrize(("one", "other"), list(permutations(Purpose, 2)))
def test_a_token_works_for_one_purpose_only(signer, one, other):
    assert not signer.matches(signer.token(one, SomeRow()), other, SomeRow())


def test_a_token_opens_no_other_row(signer):
    token = signer.token(Purpose.MAILED_INVITATION, SomeRow(id=7))
    assert not signer.matches(token, Purpose.MAILED_INVITATION, SomeRow(id=8))


def test_an_old_token_does_not_open_a_new_row_with_the_same_id(signer):
    token = signer.token(Purpose.PERMANENT_LINK, SomeRow())
    later = SomeRow(created_at=NOW + timedelta(microseconds=1))
    assert not signer.matches(token, Purpose.PERMANENT_LINK, later)


def test_a_token_of_another_installation_is_worthless(signer):
    token = Signer(["another key"]).token(Purpose.MAILED_INVITATION, SomeRow())
    assert not signer.matches(token, Purpose.MAILED_INVITATION, SomeRow())


def test_old_links_work_after_a_key_was_added():
    token = Signer(["old"]).token(Purpose.MAILED_INVITATION, SomeRow())
    assert Signer(["new", "old"]).matches(token, Purpose.MAILED_INVITATION, SomeRow())
    assert not Signer(["new"]).matches(token, Purpose.MAILED_INVITATION, SomeRow())


def test_the_newest_key_signs():
    token = Signer(["new", "old"]).token(Purpose.MAILED_INVITATION, SomeRow())
    assert token == Signer(["new"]).token(Purpose.MAILED_INVITATION, SomeRow())


def test_a_token_needs_no_quoting_in_a_url(signer):
    for number in range(1, 200):
        token = signer.token(Purpose.MAILED_INVITATION, SomeRow(id=number))
        assert token.replace("-", "").replace("_", "").isalnum()
        assert token.isascii()


@given(st.text())
def test_random_text_is_no_token(text):
    signer = Signer(["a secret key for tests"])
    assert not signer.matches(text, Purpose.MAILED_INVITATION, SomeRow())
    assert not signer.matches(f"7-{text}", Purpose.MAILED_INVITATION, SomeRow())


@pytest.mark.parametrize("position", [2, 10, -1])
def test_a_changed_letter_breaks_a_token(signer, position):
    letters = list(signer.token(Purpose.MAILED_INVITATION, SomeRow()))
    letters[position] = "A" if letters[position] != "A" else "B"
    assert not signer.matches("".join(letters), Purpose.MAILED_INVITATION, SomeRow())


@pytest.mark.parametrize("text", ["", "x", "-", "x-y", "-7-y", "७-x", "1.5-x", " 7-x", "9" * 30])
def test_a_malformed_token_has_the_id_0(text):
    assert row_id(text) == 0


@given(st.text())
def test_the_id_in_any_text_can_be_looked_up(text):
    assert 0 <= row_id(text) < 2**63


def test_a_row_read_back_from_the_database_has_the_same_token(owner, signer, now):
    invitation = invite(owner, now)
    token = signer.token(Purpose.MAILED_INVITATION, invitation)
    assert signer.matches(token, Purpose.MAILED_INVITATION, reread(invitation))


def test_the_setup_code_can_be_read_aloud_and_stays_the_same(signer):
    code = signer.setup_code()
    assert code == signer.setup_code() != Signer(["another key"]).setup_code()
    assert [len(part) for part in code.split("-")] == [4, 4, 4]
    assert set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-")


@given(st.text(min_size=1, max_size=200))
def test_a_token_is_an_hmac_with_sha_256(key):
    row = SomeRow()
    text = f"unsubscribe|7|{row.created_at.isoformat()}"
    mac = hmac.digest(key.encode(), text.encode(), "sha256")[:18]
    assert Signer([key]).token(Purpose.UNSUBSCRIBE, row) == f"7-{urlsafe_b64encode(mac).decode()}"
