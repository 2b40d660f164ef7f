"""Encodings: which one a file is in, and what happens if that can't be told."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invites.lists import encoding_guess, files
from invites.lists.encoding_guess import guess_encoding
from invites.lists.encodings import CHOICES, UNKNOWN


def _samples():
    for line in (Path(__file__).parent / "names.txt").read_text("utf-8").splitlines()[1:]:
        language, encodings, names = line.split(" | ")
        for encoding in encodings.split():
            yield pytest.param(encoding, names.split(", "), id=f"{language} {encoding}")


SAMPLES = list(_samples())


def _names(content):
    table = files.read(content)
    return [entry.name for entry in table.entries(table.choice())]


def _csv(names):
    rows = [f"{name};person{n}@example.org" for n, name in enumerate(names)]
    return "\r\n".join(["Name;E-mail", *rows])


@pytest.mark.parametrize(("encoding", "names"), SAMPLES)
def test_names_are_read_in_the_encoding_of_their_country(encoding, names):
    assert _names(_csv(names).encode(encoding)) == names


# Not EUC-JP: GB 18030 has the same characters, and one name isn't enough to tell.
@pytest.mark.parametrize(
    ("encoding", "names"), [one for one in SAMPLES if one.values[0] != "euc_jp"]
)
def test_a_single_name_is_read_right_or_dropped(encoding, names):
    name = max(names, key=lambda name: sum(not letter.isascii() for letter in name))
    assert _names(_csv(["Ada", name]).encode(encoding)) in (["Ada", name], ["Ada", ""])


def test_names_that_cannot_be_told_are_dropped():
    content = _csv(["Ada", "Ga\u0142\u0105zka"]).encode("cp1250")
    garbage = content.replace("\u0142\u0105".encode("cp1250"), b"\x81\x90\xff\xfe")
    assert files.read(garbage).encoding == UNKNOWN
    assert _names(garbage) == ["Ada", ""]


@pytest.mark.parametrize("encoding", CHOICES)
def test_any_encoding_can_be_chosen_for_any_file(encoding):
    content = _csv(["Ada", "J\xfcrgen"]).encode("cp1252")
    table = files.read(content, encoding)
    assert table.encoding == encoding
    assert table.entries(table.choice())[0].name == "Ada"


def test_a_long_file_is_sampled():
    content = _csv(["\u0141ukasz W\xf3jcik"] * 40_000).encode("cp1250")
    assert guess_encoding(content) == "cp1250"


def test_names_are_dropped_if_the_letters_cannot_be_examined(monkeypatch):
    monkeypatch.setattr(encoding_guess, "_MAX_SECONDS", 0)
    content = _csv(["Mu\xf1oz"]).encode("cp1252")  # or Mu\u0144oz
    assert _names(content) == [""]


@given(st.binary())
@settings(max_examples=20, deadline=None)
def test_any_bytes_have_an_encoding_or_none(content):
    assert guess_encoding(content) in ("", *CHOICES)
