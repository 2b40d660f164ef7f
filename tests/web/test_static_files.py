"""Static files are kept by browsers until they change; pages are not kept at all."""

import re
from pathlib import Path

import pytest
from flask import Flask, url_for

from invites.core.settings import PROJECT_ROOT
from invites.web import static_files

A_YEAR = "public, max-age=31536000"
MODULES = sorted((PROJECT_ROOT / "static" / "js").glob("*.js"))


def address(app: Flask, filename: str) -> str:
    with app.test_request_context():
        return url_for("static", filename=filename)


@pytest.mark.parametrize("filename", ["css/invites.css", "icon.svg", "js/focus.js"])
def test_a_static_file_is_kept_for_a_year(app: Flask, filename: str) -> None:
    answer = app.test_client().get(address(app, filename), buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == A_YEAR
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_htmx_is_kept_for_a_week(app: Flask) -> None:
    answer = app.test_client().get("/static/htmx.min.js", buffered=True)
    assert answer.headers["Cache-Control"] == "public, max-age=604800"


def test_pages_are_not_kept(app: Flask) -> None:
    assert app.test_client().get("/setup").headers["Cache-Control"] == "no-store"


def test_a_page_of_another_version_gets_the_file_but_does_not_keep_it(app: Flask) -> None:
    answer = app.test_client().get("/static/0123456789ab/js/focus.js", buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache, max-age=0"


def test_a_change_in_any_file_changes_every_address(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported.js").write_text("1")
    monkeypatch.setattr(static_files, "_FOLDER", tmp_path)
    monkeypatch.setattr(static_files, "_version", static_files._version.__wrapped__)
    before = address(app, "importing.js")
    (tmp_path / "imported.js").write_text("2")
    assert address(app, "importing.js") != before


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_imports_by_relative_addresses_and_so_in_its_own_version(module: Path) -> None:
    imports = re.findall(r'^import .*?"(.+)";$', module.read_text(), re.MULTILINE)
    for imported in imports:
        assert imported.startswith("./")
        assert (module.parent / imported).is_file()


def test_every_module_is_loaded_by_a_page_or_imported_by_another() -> None:
    templates = (PROJECT_ROOT / "templates").rglob("*.html")
    source = "\n".join(path.read_text() for path in (*templates, *MODULES))
    used = set(re.findall(r'"(?:js/|\./)?([\w-]+)(?:\.js)?"', source))
    assert {module.stem for module in MODULES} <= used
