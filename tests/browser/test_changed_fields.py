"""A field that was refused, once it is changed."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.support.server import Server


def test_it_loses_its_red_border_and_keeps_its_place(server: Server, visit: Visit) -> None:
    noa = visit(server).open(server.invitation_link("noa@example.org"))
    noa.fill(Name="", Password="aaaaaaaaaa").press("Accept").sees("This can't be empty")
    name, password = noa.field("Name"), noa.field("Password")
    red = name.evaluate("element => getComputedStyle(element).borderColor")
    before = password.bounding_box()
    noa.type("Name", "Noa").keys("Tab")
    expect(name).not_to_have_css("border-color", red)
    expect(name).not_to_have_attribute("aria-invalid", "true")
    expect(noa.page.get_by_text("This can't be empty")).to_be_hidden()
    assert password.bounding_box() == before
    noa.press("Accept").sees("too easy to guess")
    expect(password).to_have_value("aaaaaaaaaa")
