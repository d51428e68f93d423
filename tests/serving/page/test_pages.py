"""All pages: what each of them says, how they look, and what they ask for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.browser import Browser
from tests.fixtures.services import PROJECT, RunningService, StartService
from tests.serving.page.conftest import Upload, Uploaded

pytestmark = pytest.mark.slow

AXE = PROJECT / ".medfake/axe/node_modules/axe-core/axe.min.js"
NO_AXE = "axe-core is not there: npm install --prefix .medfake/axe --no-save axe-core@4.14.1"
PAGES = (
    "start", "jobs", "job", "scan", "report", "delete", "detector", "monitoring", "login", "fault",
)  # fmt: skip
TOKEN = "a-token-of-more-than-thirty-two-characters"
NO_LUNG = "no lung in view"


def address_of(uploaded: Uploaded, name: str) -> str:
    """Where a page is."""
    return {
        "start": uploaded.service.address,
        "jobs": f"{uploaded.service.address}/jobs",
        "job": uploaded.address,
        "scan": uploaded.scan_address,
        "report": f"{uploaded.address}/report.html",
        "delete": f"{uploaded.address}/delete",
        "detector": f"{uploaded.service.address}/detector",
        "monitoring": f"{uploaded.service.address}/monitoring",
        "login": f"{uploaded.service.address}/login",
        "fault": f"{uploaded.service.address}/jobs/none",
    }[name]


def open_page(browser: Browser, uploaded: Uploaded, name: str) -> None:
    browser.open(address_of(uploaded, name))
    if name == "scan":
        browser.wait_for("document.querySelector('.pane.here').dataset.shown")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nobody_else_for_anything_and_nothing_goes_wrong_on_it(
    browser: Browser, uploaded: Uploaded, name: str
) -> None:
    open_page(browser, uploaded, name)
    assert browser.requested
    assert [one for one in browser.requested if not one.startswith((uploaded.service.address, "data:"))] == []
    wanted = ["404 (Not Found)"] if name == "fault" else []
    assert [wanted[0] if wanted and wanted[0] in one else one for one in browser.complaints] == wanted


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(browser: Browser, uploaded: Uploaded, name: str) -> None:
    browser.resize(390, 844)
    open_page(browser, uploaded, name)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_dark_as_its_reader_s_system(browser: Browser, uploaded: Uploaded, name: str) -> None:
    lightness = []
    for dark in (False, True):
        browser.resize(1280, 900, dark=dark)
        open_page(browser, uploaded, name)
        colour = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness.append(sum(int(part) for part in re.findall(r"\d+", colour)[:3]))
    assert lightness[0] > 3 * 200
    assert lightness[1] < 3 * 50


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_barrier(browser: Browser, uploaded: Uploaded, name: str, dark: bool) -> None:
    if not AXE.exists():
        pytest.skip(NO_AXE)
    browser.resize(1280, 900, dark=dark)
    open_page(browser, uploaded, name)
    browser.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    found = browser.evaluate(
        "axe.run().then((said) => said.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]))"
    )
    assert found == []


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_what_it_is_not_for(uploaded: Uploaded, name: str) -> None:
    assert "Research use only, not a diagnostic device." in uploaded.service.get(address_of(uploaded, name)[len(uploaded.service.address):]).text


@pytest.mark.parametrize("name", PAGES)
def test_no_page_allows_styles_and_scripts_but_its_own(uploaded: Uploaded, name: str) -> None:
    answer = uploaded.service.get(address_of(uploaded, name).removeprefix(uploaded.service.address))
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(("default-src 'self'", "default-src 'none'"))
    assert "unsafe" not in policy
    assert "style=" not in answer.text
