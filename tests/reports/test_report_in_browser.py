"""The report as readers have it: in a real browser, wide and narrow, light and dark, without a request."""

from pathlib import Path

import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.parts import Cell, Details, Section, Table
from medfake.reports.report import About, write_report
from tests.fixtures.browser import Browser

pytestmark = pytest.mark.slow
CELLS = "[...document.querySelectorAll('#section-drops ~ div tbody tr')].map(row => row.cells[1].innerText).join()"
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def page(predict, enter, tmp_path_factory) -> Path:
    skills = {"ResidualCNN": 3.0, "MobileNetV3Large": 1.2, "RandomForest": 0.1}
    entries = [enter(predict(detector=name, skill=skill)) for name, skill in skills.items()]
    values = [0.7, 0.9, 0.8]
    table = Table(
        caption="Drops",
        head=("Detector", "AUC"),
        rows=[[f"d{v}", Cell(f"{v:.2f}", v)] for v in values] + [["none", "n/a"]],
    )
    sections = {
        "drops": Section(
            heading="Drops", nav="Drops", parts=["Said.", table, Details(summary="More", parts=["Folded up."])]
        )
    }
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(
        path,
        compare(entries, Bootstrap(resamples=100)),
        sections,
        About(study="quickstart", link="http://127.0.0.1:5000/#/x"),
    )
    return path


def test_nothing_is_asked_for_beside_the_page(browser: Browser, page: Path) -> None:
    browser.open(page.as_uri())
    asked = [one for one in browser.requested if not one.startswith("data:")]
    assert asked == [page.as_uri()]


def test_a_click_on_a_heading_sorts_down_then_up_and_leaves_what_is_undefined_last(
    browser: Browser, page: Path
) -> None:
    browser.open(page.as_uri())
    assert browser.evaluate(CELLS) == "0.70,0.90,0.80,n/a"
    heading = "#section-drops ~ div thead th:nth-child(2) button"
    browser.click(heading)
    assert browser.evaluate(CELLS) == "0.90,0.80,0.70,n/a"
    assert browser.evaluate("document.querySelector('#section-drops ~ div th[aria-sort]').ariaSort") == "descending"
    browser.click(heading)
    assert browser.evaluate(CELLS) == "0.70,0.80,0.90,n/a"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_every_width_light_and_dark(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.resize(width, 900, dark=dark)
    browser.open(page.as_uri())
    assert not browser.evaluate(WIDER)
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(15, 19, 24)" if dark else "rgb(246, 248, 250)")


def test_what_is_folded_up_is_printed(browser: Browser, page: Path) -> None:
    browser.open(page.as_uri())
    assert browser.evaluate("document.querySelectorAll('details[open]').length") == 0
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate("document.querySelectorAll('details[open]').length") == 0
