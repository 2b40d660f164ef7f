"""A server for each test, and people who visit it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.chromium import launch_options
from tests.browser.visitor import DESKTOP, Visitor
from tests.support.server import Server, new_data, running, set_up_data
from tests.support.smtp_server import SmtpServer

Visit = Callable[..., Visitor]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the Chromium that .ci/chromium found."""
    return browser_type_launch_args | launch_options()


@pytest.fixture(scope="session")
def base_url() -> None:
    """Every server has its own address. (pytest-playwright's fixture warns under pytest 9.)"""


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    """The mail server."""
    with SmtpServer(full="full").open() as smtp:
        yield smtp


@pytest.fixture
def server(tmp_path: Path, smtp: SmtpServer) -> Iterator[Server]:
    """A server that Olive has set up, with a mail server."""
    data = set_up_data(tmp_path / "data")
    with running(data, smtp=smtp) as server, server.rules():
        yield server


@pytest.fixture
def server_without_smtp(tmp_path: Path) -> Iterator[Server]:
    """A server that Olive has set up, whose mail waits in the Mailbox."""
    data = set_up_data(tmp_path / "data")
    with running(data) as server, server.rules():
        yield server


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has set up."""
    with running(new_data(tmp_path / "data")) as server:
        yield server


@pytest.fixture
def visit(new_context: Callable[..., BrowserContext]) -> Iterator[Visit]:
    """Somebody new at a browser of their own; nothing may go wrong in any of them."""
    visitors: list[Visitor] = []

    def visit(server: Server, **options: Any) -> Visitor:
        context = new_context(**{"base_url": server.url, "viewport": DESKTOP} | options)
        visitors.append(Visitor(context, server))
        return visitors[-1]

    yield visit
    complaints = [line for visitor in visitors for line in visitor.complaints]
    assert complaints == []


@pytest.fixture
def olive(server: Server, visit: Visit) -> Visitor:
    """Olive, logged in to Riverside Relief as its Owner."""
    return visit(server).sign_in()
