"""Searching regardless of case and accents."""

import pytest

from invites import db
from invites.models import User
from tests.support.people import make_user


@pytest.mark.parametrize(
    ("name", "searched"),
    [
        ("MÜLLER", "müller"),
        ("Muller", "müller"),
        ("Mu\u0308ller", "MÜLLER"),
        ("Straße", "STRASSE"),
        ("Ὀδυσσεύς", "οδυσσευς"),
        ("İstanbul", "istanbul"),
        ("\uff26ull", "full"),
        ("100 %_'", "%_'"),
        ("anything", ""),
    ],
)
def test_a_search_ignores_case_and_accents(database, now, name, searched):
    make_user(name, "somebody@example.org", now)
    assert User.select().where(db.contains(User.name, searched)).exists()
    assert not User.select().where(db.contains(User.name, f"{searched}~")).exists()
