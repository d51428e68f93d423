"""All pages: what each of them says, how they look, and what they ask for."""

import re
from pathlib import Path

import pydicom
import pytest
import requests

from tests.fixtures.browser import Browser
from tests.serving.page.conftest import Uploaded, barriers

pytestmark = pytest.mark.slow(minutes=2)

PAGES = (
    "start", "jobs", "job", "scan", "report", "delete", "detector", "monitoring", "login", "fault",
)  # fmt: skip
IDENTIFYING = (
    "PatientID",
    "PatientName",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
)


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
    expected = "404 (Not Found)" if name == "fault" else None
    assert [one for one in browser.complaints if expected is None or expected not in one] == []


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
    browser.resize(1280, 900, dark=dark)
    open_page(browser, uploaded, name)
    assert barriers(browser) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_what_it_is_not_for(uploaded: Uploaded, name: str) -> None:
    assert "Research use only, not a diagnostic device." in requests.get(address_of(uploaded, name), timeout=60).text


@pytest.mark.parametrize("name", PAGES)
def test_no_page_allows_styles_and_scripts_but_its_own(uploaded: Uploaded, name: str) -> None:
    answer = requests.get(address_of(uploaded, name), timeout=60)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(("default-src 'self'", "default-src 'none'"))
    assert "unsafe" not in policy
    assert "style=" not in answer.text


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_what_identifies_a_patient(uploaded: Uploaded, phantom_scan: Path, name: str) -> None:
    header = pydicom.dcmread(phantom_scan / "1.dcm", stop_before_pixels=True)
    raw = {str(header[tag].value) for tag in IDENTIFYING if tag in header and header[tag].value}
    assert len(raw) > 3
    text = requests.get(address_of(uploaded, name), timeout=60).text
    assert [one for one in raw if one in text] == []
