"""The stylesheet and the pages agree about class names."""

import re

from invites.core.settings import PROJECT_ROOT
from invites.models import EntryOutcome

TEMPLATES = [
    path for path in (PROJECT_ROOT / "templates").rglob("*.html") if "email" not in path.parts
]
SCRIPTS = list((PROJECT_ROOT / "static" / "js").glob("*.js"))
STYLESHEET = PROJECT_ROOT / "static" / "css" / "invites.css"
OTHERS = re.compile(r"htmx-|segment-|strength-\d")  # htmx's own, and those made of a value

ATTRIBUTE = re.compile(r'\bclass="((?:\{\{.*?\}\}|[^"{])*)"')


def with_rules() -> set[str]:
    selectors = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "{}", STYLESHEET.read_text(), flags=re.DOTALL)
    found = set(re.findall(r"\.([a-z][\w-]*)", selectors))
    return {name for name in found if not OTHERS.match(name)}


def written(text: str) -> set[str]:
    """The class names in a template, those inside expressions left out."""
    values = " ".join(ATTRIBUTE.findall(text))
    return set(re.sub(r"\S*\{\{.*?\}\}", " ", values).split())


def test_every_class_in_a_template_has_a_rule() -> None:
    assert len(with_rules()) > 90
    for path in TEMPLATES:
        assert written(path.read_text()) <= with_rules(), path.name


def test_every_rule_is_for_a_class_that_a_template_or_script_uses() -> None:
    source = "\n".join(path.read_text() for path in (*TEMPLATES, *SCRIPTS))
    words = set(re.findall(r"[\w-]+", source))
    view = (PROJECT_ROOT / "invites" / "web" / "batch_view.py").read_text()
    assert with_rules() <= words | set(re.findall(r'"([\w-]+)"', view))


def test_every_part_of_a_bar_has_a_color() -> None:
    of_a_batch = {"sent", "failed", "unknown", "withdrawn"}
    assert (
        set(re.findall(r"\.segment-(\w+)", STYLESHEET.read_text())) == {*EntryOutcome} | of_a_batch
    )
