"""What people type or paste into the Email field."""

import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.core.errors import Reason, RuleError
from invites.lists.email_field import format_entry, read_field, replace_entry
from invites.lists.entries import MAX_ENTRIES, MAX_TEXT, Entry
from tests.support.actions import ends_soon, refused


def read(text):
    return [entry.text for entry in read_field(text)]


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.org,ben@example.org",
        "ada@example.org, ben@example.org,",
        "ada@example.org;ben@example.org",
        "ada@example.org ben@example.org",
        "ada@example.org\nben@example.org",
        "ada@example.org\r\n\r\n  ben@example.org  \r\n",
        "ada@example.org\tben@example.org",
        "ada@example.org | ben@example.org",
        "ada@example.org\u2028ben@example.org",
        "<ada@example.org>, <ben@example.org>",
        "<ada@example.org> <ben@example.org>",
        "Ada Okafor <ada@example.org>, Ben <ben@example.org>",
        '"Ada Okafor" <ada@example.org>; "Ben" <ben@example.org>',
        '"Okafor, Ada" <ada@example.org>, "Ito, Ben" <ben@example.org>',
        "Okafor, Ada <ada@example.org>, Ito, Ben <ben@example.org>",
        "Okafor, Ada <ada@example.org>; Ito, Ben <ben@example.org>",
        'Ada O"Kafor <ada@example.org>, Ben <ben@example.org>',
        "Ada Okafor ada@example.org, Ben ben@example.org",
        "mailto:ada@example.org, MAILTO:ben@example.org",
        "'ada@example.org', \"ben@example.org\"",
        "(ada@example.org) [ben@example.org]",
        "ada@example.org, ben@example.org.",
        "ada@example.org., ben@example.org...",
        "ada@example.org,, ben@example.org,.",
        "“ada@example.org”, «ben@example.org»",
        "{ada@example.org}; `ben@example.org`",
        "ada@example.org!\nben@example.org:",
        "mailto:ada@example.org?subject=Hello%20you, <mailto:ben@example.org?cc=x@example.org>",
        "\u00a0ada@example.org\u00a0\u200b;\ufeffben@example.org\u2060",
        "ada@exa\u00admple.org, \u202aben@example.org\u202c",
        "Name\tEmail\tPhone\nAda\tada@example.org\t1\nBen\tben@example.org\t2",
        "1\tAda Okafor\tada@example.org\t+44 20\r\n2\tBen Ito\tben@example.org\t\r\n",
        "ada@example.org <ben@example.org>".replace(" <", ", <"),
    ],
)
def test_two_addresses_are_read_however_they_are_pasted(text):
    assert read(text) == ["ada@example.org", "ben@example.org"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", ",;,", "\t|\r\n"])
def test_nothing_typed_is_no_entry(text):
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada", ["ada"]),
        ("ada, ben@example.org", ["ada", "ben@example.org"]),
        ("ada.example.org; ben@example.org", ["ada.example.org", "ben@example.org"]),
        ("ada@example", ["ada@example"]),
        ("ada @example.org", ["ada @example.org"]),
        ("ada@@example.org", ["ada@@example.org"]),
        ("Ada <>", ["Ada <>"]),
        ("Ada <ada>, ben@example.org", ["ada", "ben@example.org"]),
    ],
)
def test_invalid_texts_stay_in_the_list(text, expected):
    assert read(text) == expected


def test_an_address_beside_one_in_brackets_is_not_lost():
    assert set(read("ada@example.org <ben@example.org>")) == {"ada@example.org", "ben@example.org"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada <ada@example.org>", [("ada@example.org", "Ada")]),
        ('"Okafor, Ada" <ada@example.org>', [("ada@example.org", "Okafor, Ada")]),
        ("Okafor, Ada <ada@example.org>", [("ada@example.org", "Okafor, Ada")]),
        ("From: Ada <ada@example.org>", [("ada@example.org", "Ada")]),
        ("To: Okafor, Ada <ada@example.org>", [("ada@example.org", "Okafor, Ada")]),
        ("<ada@example.org>", [("ada@example.org", "")]),
        ("Ada ada@example.org", [("ada@example.org", "")]),
        ("Ada <ada@example.org> <b@x.org>", [("ada@example.org", ""), ("b@x.org", "")]),
        ("1\tAda Okafor\tada@example.org\t0", [("ada@example.org", "Ada Okafor")]),
        ("Ada\tOkafor\tada@example.org", [("ada@example.org", "")]),
        ("Ada\tIto <ada@example.org>", [("ada@example.org", "Ito")]),
        ("Ada\ta@x.org\tb@x.org", [("a@x.org", ""), ("b@x.org", "")]),
        ("Ada\t12\n", [("Ada 12", "")]),
        ("Ada\tada.example.org\t3", [("ada.example.org", "Ada")]),
        ("Name\tEmail\nAda\ta@x.org", [("a@x.org", "Ada")]),
        ("http://evil.example <ada@example.org>", [("ada@example.org", "")]),
        ("\x07Ada <ada@example.org>", [("ada@example.org", "Ada")]),
        (
            "1. Ada - ada@example.org\n2. Bo - b@x.org",
            [("ada@example.org", "Ada"), ("b@x.org", "Bo")],
        ),
        ("- Ada: ada@example.org\n- Bo: b@x.org", [("ada@example.org", "Ada"), ("b@x.org", "Bo")]),
        (
            "\u2022 ada@example.org\n\u2022 Bo <b@x.org>",
            [("ada@example.org", ""), ("b@x.org", "Bo")],
        ),
        ("1.ada@example.org\n2.b@x.org", [("ada@example.org", ""), ("b@x.org", "")]),
        ("Work: ada@example.org", [("ada@example.org", "")]),
        ("علی\u200cمحمد <ada\u200c@example.org>", [("ada@example.org", "علی\u200cمحمد")]),
    ],
)
def test_a_clear_name_is_kept(text, expected):
    assert read_field(text) == [Entry(email, name=name) for email, name in expected]


@pytest.mark.parametrize(
    "text",
    [
        *("spa ce@example.org", "Space Man@example.org", "ada@exam ple.org", "ada@ example.org"),
        *("ada@example.co m", "jim at example.net", "jim (at) example (dot) net"),
    ],
)
def test_an_address_with_a_space_is_one_entry_that_needs_attention(text):
    assert read_field(text) == [Entry(text)]


@pytest.mark.parametrize(
    "text",
    [
        *("Ada ada@example.org", "ada okafor ada@example.org", "Ada Okafor ada@example.org"),
        *("ADA ada@example.org", "al ada lovelace ada@example.org", "and ada@example.org"),
        *("please invite ada@example.org", "ada@example.org (work)", "ada@example.org me"),
    ],
)
def test_a_word_beside_an_address_is_not_a_part_of_it(text):
    assert read(text) == ["ada@example.org"]


def test_typed_entries_keep_their_order_and_duplicates():
    assert read("b@x.org a@x.org b@x.org") == ["b@x.org", "a@x.org", "b@x.org"]


@given(st.text() | st.text(alphabet='ab@<>",; \n|.', max_size=80))
@pytest.mark.slow
def test_any_text_is_read_and_no_entry_is_blank(text):
    assert all(entry.strip() for entry in read(text))


@given(
    st.lists(st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.org", fullmatch=True)), st.sampled_from(",; \n")
)
@pytest.mark.slow
def test_a_plain_list_is_read_exactly(emails, separator):
    assert read(separator.join(emails)) == emails


@pytest.mark.parametrize(
    "text",
    [
        "Ray, <" + "@" * 200_000,
        "<" * 200_000,
        "<a" * 100_000,
        '"' * 200_001,
        '",' * 100_001,
        "Ray, " * 50_000,
        "ada@example.org " * 50_000,
        "ada\t" * 50_000,
        "Ada\ta@b.org\n" * 50_000,
        "a@b.org\t" * 50_000,
        "Ada " * 50_000 + "<a@b.org>",
        "\t".join(f"Ada{n}\tada{n}@b.org" for n in range(60_000)),
        ("ab.org" + " " * 490 + "ada\n") * 8_000,
    ],
    ids=[
        "ats",
        "brackets",
        "words in brackets",
        "quotes",
        "open quotes",
        "names",
        "addresses",
        "cells",
        "table",
        "row",
        "name",
        "people in one row",
        "gaps",
    ],
)
@pytest.mark.slow
def test_no_text_takes_long_to_read(text):
    with ends_soon():
        read_field(text)


FOUR_MEGABYTES = 4 * 1024 * 1024


@pytest.mark.parametrize(
    "piece",
    [
        "a@b.co,", "a@b.co\t", "a@b.co ", "a@b.co\n", "<a@b.co>", "<a>", "a,", "\t", "\n", " ",
        ",", "a ", "\u0448 ", "a\t", '"",', "mailto:?@ ", "<mailto:?@>", "Ray, ", '"', "@",
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.slow
def test_no_text_takes_much_memory_to_read(piece: str) -> None:
    text = piece * (FOUR_MEGABYTES // len(piece)) + "\n\U0001f600\ta@b.co"  # 4 bytes a character
    tracemalloc.start()
    entries = [Entry("")]
    with suppress(RuleError):
        entries = read_field(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(entries) <= MAX_ENTRIES + 1
    assert max(len(entry.text) for entry in entries) <= MAX_TEXT
    assert peak < 40 * 1024 * 1024


@pytest.mark.parametrize("piece", ["<\n", "\r\n", "<,", "\t"])
def test_a_text_of_separators_is_refused_without_looking_at_each(piece: str) -> None:
    with refused(Reason.LIST_TOO_LONG):
        read_field("a@b.co\n" + piece * 1_100_000)


def test_fifty_thousand_lines_with_empty_ones_between_are_read() -> None:
    assert len(read_field("a@b.co\r\n\r\n" * MAX_ENTRIES)) == MAX_ENTRIES


@pytest.mark.parametrize("separator", [",", "\t", "\n", "> <"])
def test_reading_stops_after_the_entry_that_is_one_too_many(separator: str) -> None:
    text = "<" + separator.join(["a@b.co"] * (MAX_ENTRIES + 10)) + ">"
    assert len(read_field(text)) == MAX_ENTRIES + 1


@pytest.mark.parametrize(
    ("typed", "wrong", "after"),
    [
        ("a@gmial.com, ada@gmial.com", "a@gmial.com", "a@gmail.com, ada@gmial.com"),
        ("a@gmial.com.au a@gmial.com.", "a@gmial.com", "a@gmial.com.au a@gmail.com."),
        ("A <a@gmial.com>\nb@x.org", "a@gmial.com", "A <a@gmail.com>\nb@x.org"),
        ("a\u200b@gmial.com", "a@gmial.com", "a@gmail.com"),
        (r"\1 a@gmial.com", "a@gmial.com", r"\1 a@gmail.com"),
    ],
)
def test_only_the_entry_itself_is_replaced(typed: str, wrong: str, after: str) -> None:
    assert replace_entry(typed, wrong, "a@gmail.com") == after


@pytest.mark.parametrize("end", ["\v", "\x1c", "\x85", " "])
def test_replacing_takes_little_memory_whatever_the_text_has(end: str) -> None:
    """Python's splitlines knows more line ends than the limit of lines counts."""
    text = "a@gmial.com\n" + f"a{end}" * (FOUR_MEGABYTES // 2)
    tracemalloc.start()
    after = replace_entry(text, "a@gmial.com", "a@gmail.com")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert after == text.replace("gmial", "gmail")
    assert peak < 40 * 1024 * 1024


@pytest.mark.parametrize("name", ["", "Ann Bello", "Bello, Ann", "Zoë O'Neil"])
def test_a_formatted_entry_is_read_as_the_same_address_and_name(name):
    [entry] = read_field(format_entry("ann@example.org", name))
    assert (entry.text, entry.name) == ("ann@example.org", name)
