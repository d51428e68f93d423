"""Who may see pages, and what pages say when the detector or its registry changes."""

from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.versions import Alias
from tests.fixtures.browser import Browser
from tests.fixtures.services import StartService, write_served_package
from tests.serving.page.conftest import barriers

pytestmark = pytest.mark.slow

LETTERS = 40 * "k"  # of a token


def test_where_tokens_are_set_a_browser_is_asked_for_one_and_let_in(
    browser: Browser, start_service: StartService
) -> None:
    service = start_service(tokens=f"reader={LETTERS}")
    browser.open(service.address + "/jobs")
    browser.wait_for_page("/login")
    browser.evaluate("document.getElementById('token').focus()")
    for letter in LETTERS:
        browser.press(letter)
    browser.press("Enter")
    browser.wait_for("document.getElementById('drop') !== null")
    assert browser.evaluate("document.cookie") == ""
    browser.click("form[action='/logout'] button")
    browser.wait_for_page("/login")
    browser.open(service.address + "/jobs")
    browser.wait_for_page("/login")
    assert browser.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_barrier_at_the_door(browser: Browser, start_service: StartService, dark: bool) -> None:
    browser.resize(390, 844, dark=dark)
    browser.open(start_service(tokens=f"reader={LETTERS}").address)
    browser.wait_for_page("/login")
    assert barriers(browser) == []


def test_a_wrong_token_is_told_on_the_page(browser: Browser, start_service: StartService) -> None:
    service = start_service(tokens=f"reader={LETTERS}")
    browser.open(service.address)
    browser.wait_for_page("/login")
    browser.evaluate("document.getElementById('token').focus()")
    for letter in "wrong":
        browser.press(letter)
    browser.press("Enter")
    browser.wait_for("document.querySelector('.fault') !== null")
    assert "this is no token of the service" in browser.text


def test_without_tokens_there_is_nothing_to_log_out_of(browser: Browser, start_service: StartService) -> None:
    browser.open(start_service().address)
    assert browser.evaluate("document.querySelector('form[action=\"/logout\"]')") is None
    assert "Log out" not in browser.text


def test_a_page_is_no_frame_of_another_site(start_service: StartService) -> None:
    headers = start_service().get("/").headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_styles_and_scripts_are_kept_as_long_as_they_are_the_same(start_service: StartService) -> None:
    service = start_service()
    for name in ("page.css", "viewer.js"):
        first = service.get(f"/static/{name}")
        assert first.headers["Cache-Control"] == "no-cache"
        again = service.get(f"/static/{name}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_an_open_page_tells_of_a_new_champion_and_of_a_registry_that_went_away(
    browser: Browser,
    start_service: StartService,
    registry: ModelRegistry,
    tracking: TrackingParams,
    tmp_path: Path,
) -> None:
    for name in ("one", "two"):
        registry.register(write_served_package(tmp_path / name), "auc")
    registry.set_alias(Alias.CHAMPION, 1)
    service = start_service(model=None, tracking_uri=tracking.uri, watch_s=0.2)
    browser.open(service.address + "/jobs")
    assert "medfake-detector version 1 (champion)" in browser.text
    assert "version 1 (champion) scans because it is the champion" in service.get("/detector").text
    registry.set_alias(Alias.CHAMPION, 2)
    browser.wait_for("document.getElementById('status').innerText.includes('medfake-detector version 2 (champion)')")
    Path(tracking.uri.removeprefix("sqlite:///")).write_bytes(b"no database any more" * 1000)
    browser.wait_for("document.querySelector('#status .worse') !== null")
    assert "version 2 (champion) goes on" in browser.evaluate("document.getElementById('status').innerText")
    assert browser.complaints == []
