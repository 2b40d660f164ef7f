"""docs/security.md names tests that are there."""

import re

from invites.core.settings import PROJECT_ROOT

DOC = PROJECT_ROOT / "docs" / "security.md"


def test_every_test_that_it_names_is_in_the_suite() -> None:
    named = set(re.findall(r"`(test_\w+)`", DOC.read_text()))
    files = (PROJECT_ROOT / "tests").rglob("test_*.py")
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert len(named) > 50
    assert named - there == set()
