"""Static files are compressed and kept by browsers until they change; pages are neither."""

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, url_for
from werkzeug.test import TestResponse

from invites.core.settings import PROJECT_ROOT
from invites.web import static_files

A_YEAR = "public, max-age=31536000"
FOLDER = PROJECT_ROOT / "static"
MODULES = sorted((FOLDER / "js").glob("*.js"))
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*"))
TEXTS = ["css/invites.css", "js/focus.js", "htmx.min.js"]

Get = Callable[..., TestResponse]


def address(app: Flask, filename: str) -> str:
    with app.test_request_context():
        return url_for("static", filename=filename)


@pytest.fixture
def get(app: Flask) -> Get:
    def get(filename: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return app.test_client().get(address(app, filename), headers=named)

    return get


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Instead of the folder of static files."""
    monkeypatch.setattr(static_files, "_FOLDER", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    static_files._files.cache_clear()
    static_files._version.cache_clear()


@pytest.mark.parametrize("filename", [*FILES, "htmx.min.js"])
def test_every_static_file_is_kept_for_a_year(get: Get, filename: str) -> None:
    answer = get(filename)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == A_YEAR
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.mimetype.partition("/")[0] in ("text", "application", "image", "font")
    assert answer.mimetype not in ("text/html", "application/octet-stream")


def test_pages_are_not_kept(app: Flask) -> None:
    assert app.test_client().get("/setup").headers["Cache-Control"] == "no-store"


def test_pages_are_not_compressed(app: Flask) -> None:
    answer = app.test_client().get("/setup", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("filename", TEXTS)
def test_text_is_compressed_for_browsers_that_understand_it(get: Get, filename: str) -> None:
    plain, compressed = get(filename), get(filename, Accept_Encoding="gzip, br")
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert int(compressed.headers["Content-Length"]) < 0.7 * int(plain.headers["Content-Length"])
    assert gzip.decompress(compressed.data) == plain.data
    assert plain.mimetype == compressed.mimetype


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0"])
def test_others_get_it_as_it_is(get: Get, accepted: str) -> None:
    answer = get("css/invites.css", Accept_Encoding=accepted)
    assert "Content-Encoding" not in answer.headers
    assert answer.data == (FOLDER / "css" / "invites.css").read_bytes()


def test_a_cache_keeps_both_forms_apart(get: Get) -> None:
    plain, compressed = get("htmx.min.js"), get("htmx.min.js", Accept_Encoding="gzip")
    assert "Accept-Encoding" in plain.vary
    assert "Accept-Encoding" in compressed.vary
    assert plain.headers["ETag"] != compressed.headers["ETag"]


@pytest.mark.parametrize("accepted", ["", "gzip"])
def test_a_file_that_has_not_changed_is_not_sent_again(get: Get, accepted: str) -> None:
    etag = get("htmx.min.js", Accept_Encoding=accepted).headers["ETag"]
    answer = get("htmx.min.js", Accept_Encoding=accepted, If_None_Match=etag)
    assert answer.status_code == 304
    assert not answer.data
    assert answer.headers["Cache-Control"] == A_YEAR


def test_what_is_already_compressed_is_not_compressed_again(folder: Path, get: Get) -> None:
    (folder / "photo.png").write_bytes(gzip.compress(bytes(range(256)) * 4)[:200])
    answer = get("photo.png", Accept_Encoding="gzip")
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" not in answer.vary


def test_a_page_of_another_version_gets_the_file_but_does_not_keep_it(app: Flask) -> None:
    answer = app.test_client().get("/static/0123456789ab/js/focus.js")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("filename", ["nothing.js", "../README.md", "css", "..%2Fapp.py"])
def test_nothing_but_static_files_is_served(app: Flask, filename: str) -> None:
    assert app.test_client().get(f"/static/0123456789ab/{filename}").status_code == 404


def test_a_change_in_any_file_changes_every_address(app: Flask, folder: Path) -> None:
    (folder / "imported.js").write_text("1")
    before = address(app, "importing.js")
    forget()
    assert address(app, "importing.js") == before
    (folder / "imported.js").write_text("2")
    forget()
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
