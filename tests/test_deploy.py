"""The files in deploy/ agree with each other, with the settings and with the limits."""

import re
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values
from flask import Flask

from invites.core.settings import PROJECT_ROOT, Settings, load_settings
from invites.lists.entries import MAX_ENTRIES
from invites.lists.table import MAX_MEGABYTES
from invites.web.form_limits import LIST

FOLDER = PROJECT_ROOT / "deploy"
SERVICES = sorted(FOLDER.glob("*.service"))
UNITS = [*SERVICES, *sorted(FOLDER.glob("*.timer"))]
SANDBOX = FOLDER / "invites-.service.d" / "sandbox.conf"
NGINX = (FOLDER / "nginx.conf").read_text()
CADDY = (FOLDER / "Caddyfile").read_text()
CADDY_IN_CONTAINER = (FOLDER / "compose.Caddyfile").read_text()
COMPOSE = (PROJECT_ROOT / "compose.yaml").read_text()
CONTAINERFILE = (PROJECT_ROOT / "Containerfile").read_text()
README = (PROJECT_ROOT / "README.md").read_text()
MEBIBYTE = 1024 * 1024


def name(path: Path) -> str:
    return path.name


def example() -> Settings:
    known = dotenv_values(stream=StringIO((FOLDER / "env.example").read_text()))
    return load_settings({key: value for key, value in known.items() if value is not None})


def numbers(pattern: str, text: str) -> list[int]:
    return [int(found) for found in re.findall(pattern, text)]


def test_the_example_of_the_settings_is_valid_and_without_warnings() -> None:
    settings = example()
    assert settings.is_https
    assert settings.trusted_proxies == 1
    assert settings.warnings == []


@pytest.mark.parametrize("proxy", [NGINX, CADDY], ids=["nginx", "Caddy"])
def test_a_proxy_serves_the_base_url_and_asks_the_web_process(proxy: str) -> None:
    settings = example()
    assert settings.site_name in proxy
    assert set(re.findall(r"\d+\.\d+\.\d+\.\d+:\d+", proxy)) == {settings.bind}


def test_a_proxy_takes_as_much_as_invites_accepts_before_it_passes_it_on() -> None:
    assert numbers(r"client_max_body_size (\d+)m;", NGINX) == [LIST.request // MEBIBYTE]
    assert "proxy_request_buffering on;" in NGINX
    assert "buffer_requests" in CADDY
    assert numbers(r"max_buffer_size (\d+)MiB", CADDY) == [LIST.request // MEBIBYTE]
    assert numbers(r"request_buffers (\d+)MiB", CADDY) == [LIST.request // MEBIBYTE]


def test_containers_agree_with_each_other_and_with_the_limits() -> None:
    assert numbers(r"request_buffers (\d+)MiB", CADDY_IN_CONTAINER) == [LIST.request // MEBIBYTE]
    assert numbers(r"reverse_proxy web:(\d+)", CADDY_IN_CONTAINER) == [8000]
    for text, end in ((COMPOSE, ":"), (CONTAINERFILE, "=")):
        assert re.findall(rf"INVITES_DATA{end} ?(\S+)", text) == ["/data"]
        assert re.findall(rf"INVITES_BIND{end} ?(\S+)", text) == ["0.0.0.0:8000"]
    assert "\n    INVITES_TRUSTED_PROXIES: 1\n" in COMPOSE
    assert "http://127.0.0.1:8000/healthz" in CONTAINERFILE
    guide = (PROJECT_ROOT / "docs" / "operating.md").read_text()
    (backups,) = re.findall(r"exec web invites backup (\S+)", guide)  # not in the data folder
    assert f"    - backups:{backups}\n" in COMPOSE
    assert f"-m 700 /data {backups}\n" in CONTAINERFILE


def test_nginx_says_how_large_a_file_can_be() -> None:
    assert f"{MAX_MEGABYTES} MB" in NGINX
    (page,) = re.findall(r"error_page 413 /(.+);", NGINX)
    words = (FOLDER / page).read_text()
    assert f"up to {MAX_MEGABYTES} MB" in words
    assert f"up to {MAX_ENTRIES:,} addresses" in words
    assert "<script" not in words
    assert "<style" not in words


def test_nginx_passes_on_what_a_trusted_proxy_has_to() -> None:
    sent = dict(re.findall(r"proxy_set_header (\S+) (\S+);", NGINX))
    assert sent == {
        "Host": "$http_host",
        "X-Forwarded-For": "$remote_addr",  # one address, which the visitor can't choose
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-Host": "$http_host",
    }


def test_nginx_logs_no_links_compresses_no_pages_and_repeats_no_header() -> None:
    assert "access_log off;" in NGINX
    assert "gzip off;" in NGINX
    assert "add_header" not in NGINX  # Invites sends the security headers itself


@pytest.mark.parametrize("unit", UNITS, ids=name)
def test_a_unit_uses_the_folders_of_the_installation_instructions(unit: Path) -> None:
    (folder,) = re.findall(r"cd (/\S+)", README.partition("## Install it on a server")[2])
    text = unit.read_text()
    assert set(re.findall(r"/opt/\w+", text)) <= {folder}
    if unit.suffix == ".service":
        assert "\nUser=invites\n" in text
        assert f"\nWorkingDirectory={folder}\n" in text
    else:
        assert unit.with_suffix(".service").is_file()
    written = re.findall(r"^ReadWritePaths=(.+)$", SANDBOX.read_text(), re.MULTILINE)
    assert written == [str(example().data).replace(str(PROJECT_ROOT), folder)]


@pytest.mark.parametrize("service", SERVICES, ids=name)
def test_no_service_loosens_the_sandbox_of_all(service: Path) -> None:
    limits = set(re.findall(r"^(\w+)=", SANDBOX.read_text(), re.MULTILINE)) - {"ReadWritePaths"}
    assert limits.isdisjoint(re.findall(r"^(\w+)=", service.read_text(), re.MULTILINE))
    assert "\nUMask=0077\n" in SANDBOX.read_text()


@pytest.mark.parametrize("timer", sorted(FOLDER.glob("*.timer")), ids=name)
def test_a_failure_of_a_service_that_nobody_watches_is_reported(app: Flask, timer: Path) -> None:
    assert "\nOnFailure=invites-failed@%p.service\n" in timer.with_suffix(".service").read_text()
    reporter = (FOLDER / "invites-failed@.service").read_text()
    (command,) = re.findall(r"bin/flask (\S+) %i", reporter)
    with app.cli.make_context(None, [], resilient_parsing=True) as context:
        assert app.cli.get_command(context, command)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="a program of systemd")
@pytest.mark.parametrize("service", SERVICES, ids=name)
def test_systemd_finds_a_service_hardly_exposed(service: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", service.name]
    answer = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout[-200:]
