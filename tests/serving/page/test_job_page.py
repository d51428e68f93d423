"""What is done with an upload on its page: kept, printed, deleted."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.browser import Browser
from tests.fixtures.services import RunningService
from tests.serving.page.conftest import Upload, Uploaded

pytestmark = pytest.mark.slow(minutes=2)

WriteScan = Callable[..., Path]


def test_the_page_says_of_each_scan_what_the_report_says(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(uploaded.address)
    rows = browser.evaluate(
        "[...document.querySelectorAll('#scans ~ .scroll tbody tr')].map((row) => ["
        "row.querySelector('.verdict').textContent, row.querySelector('.value').textContent,"
        "row.querySelector('.interval').textContent])"
    )
    scans = sorted(uploaded.report["scans"], key=lambda scan: -scan["p_tampered"])
    assert rows == [[scan["verdict"], f"{scan['p_tampered']:.3f}", scan["scan_id"]] for scan in scans]


def test_every_skipped_file_has_its_reason(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(uploaded.address)
    rows = browser.evaluate(
        "[...document.querySelectorAll('#skipped ~ details tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    assert rows == [[one["path"], one["reason"]] for one in uploaded.report["skipped"]] != []


def test_what_a_verdict_rests_on_is_told_beside_it(browser: Browser, uploaded: Uploaded) -> None:
    model = uploaded.report["model"]
    for address in (uploaded.address, uploaded.scan_address, f"{uploaded.address}/report.html"):
        browser.open(address)
        for said in (model["name"], *model["measured_on"], *model["blind_to"], "are no clinical evidence"):
            assert said in browser.text
        assert f"of {model['false_alarms']['scans']} untouched scans were called tampered" in browser.text


def test_the_json_that_is_kept_is_the_report_of_the_api(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(uploaded.address)
    kept = browser.evaluate("fetch(document.querySelector('a[download$=json]').href).then((answer) => answer.text())")
    assert json.loads(kept) == uploaded.report


def test_the_report_to_keep_is_one_file_that_needs_nothing_else(
    browser: Browser, uploaded: Uploaded, tmp_path: Path
) -> None:
    answer = uploaded.service.get(f"/jobs/{uploaded.job}/report.html?download=1")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="medfake-{uploaded.job}.html"'
    page = tmp_path / "report.html"
    page.write_text(answer.text, encoding="utf-8")
    browser.open(page.as_uri())
    asked = [one for one in browser.requested if not one.startswith("data:")]
    assert asked == [page.as_uri()]
    assert browser.complaints == []
    assert browser.evaluate("document.querySelectorAll('svg image').length") >= 2
    assert uploaded.scan["verdict"] in browser.text


def test_pictures_of_the_report_show_something(browser: Browser, uploaded: Uploaded) -> None:
    browser.open(f"{uploaded.address}/report.html")
    sizes = browser.evaluate(
        "Promise.all([...document.querySelectorAll('svg image')].map(async (one) => {const image = new Image();"
        "image.src = one.getAttribute('href'); await image.decode(); return image.naturalWidth}))"
    )
    assert min(sizes) > 100


def test_on_paper_there_is_nothing_to_press_and_the_colours_are_light(browser: Browser, uploaded: Uploaded) -> None:
    browser.resize(1280, 900, dark=True)
    browser.open(uploaded.address)
    browser.show_as("print")
    for selector in (".bar-top nav", ".actions"):
        assert browser.evaluate(f"getComputedStyle(document.querySelector('{selector}')).display") == "none"
    browser.open(f"{uploaded.address}/report.html")
    assert browser.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_paper_stays_light_where_a_reader_chose_dark(browser: Browser, uploaded: Uploaded) -> None:
    browser.resize(1280, 900, dark=False)
    browser.open(uploaded.address)
    browser.click("#theme")
    assert browser.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    browser.show_as("print")
    assert browser.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_a_reader_may_choose_light_or_dark_and_is_remembered(browser: Browser, uploaded: Uploaded) -> None:
    browser.resize(1280, 900, dark=False)
    browser.open(uploaded.address)
    light = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    browser.click("#theme")
    dark = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    browser.open(uploaded.scan_address)
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    browser.click("#theme")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == light


def test_deleting_asks_first_and_then_leaves_nothing(
    browser: Browser, served: RunningService, upload: Upload, write_scan: WriteScan, tmp_path: Path
) -> None:
    made = upload(write_scan(tmp_path / "chest", [-200] * 4))
    folder = served.data / "jobs" / made.job
    assert folder.exists()
    browser.open(made.address)
    browser.click(".actions .danger")
    browser.wait_for_page(f"/jobs/{made.job}/delete")
    assert "the 4 uploaded files" in browser.text
    assert folder.exists()
    browser.click("button.danger")
    browser.wait_for("location.pathname === '/jobs' && document.readyState === 'complete'")
    assert not folder.exists()
    assert made.job not in browser.evaluate("document.body.innerHTML")
    assert served.get(f"/v1/jobs/{made.job}").status_code == 404


def test_an_upload_that_is_gone_is_a_page_that_says_so(served: RunningService) -> None:
    answer = served.get(f"/jobs/{'0' * 32}")
    assert answer.status_code == 404
    assert "there is no such job, or no longer" in answer.text
    assert 'href="/jobs"' in answer.text


def test_a_scan_that_is_none_of_an_upload_s_is_a_page_that_says_so(uploaded: Uploaded) -> None:
    answer = uploaded.service.get(f"/jobs/{uploaded.job}/scans/scan-000000000000")
    assert answer.status_code == 404
    assert "there is no such scan in this upload" in answer.text


def test_uploads_are_listed_newest_first_with_their_verdicts(
    browser: Browser, served: RunningService, upload: Upload, write_scan: WriteScan, tmp_path: Path
) -> None:
    made = upload(write_scan(tmp_path / "chest", [-200] * 4))
    browser.open(f"{served.address}/jobs")
    assert browser.evaluate("document.querySelector('tbody th a').getAttribute('href')") == f"/jobs/{made.job}"
    assert browser.evaluate("document.querySelector('tbody .verdict').textContent") == made.scan["verdict"]
    assert re.search(r"\d", browser.evaluate("document.querySelector('tbody time').textContent"))


def test_a_list_of_uploads_has_pages(served: RunningService) -> None:
    for _ in range(27):
        served.post("/v1/jobs", files={"file": ("a", b"no image")})
    first, rest = served.get("/jobs").text, served.get("/jobs?start=25").text
    assert first.count("<tr>") == 25 + 1
    assert 'href="/jobs?start=25"' in first
    assert 'href="/jobs?start=0"' in rest
