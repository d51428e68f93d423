"""The page as text, and as readers have it: in a real browser, wide and narrow, light and dark, without a request."""

from pathlib import Path

import pytest

from medfake.serving.monitoring.comparison import Comparison, compare_served
from medfake.serving.monitoring.known import reference_of_served
from medfake.serving.monitoring.page import monitor_fragment, monitor_page
from tests.fixtures.browser import Browser
from tests.serving.monitoring.conftest import MakeServed

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SCRIPT = "<script>window.taken = 1</script>"


@pytest.fixture(scope="module")
def found(make_served: MakeServed) -> Comparison:
    words = {"kernel": ["soft", SCRIPT, "$\\frac{1}{2}$"]}
    reference = reference_of_served(make_served(60, seed=1), "the first 60 scans that it was served", "g")
    served = make_served(40, seed=2, noise_hu=35.0, words=words)
    return compare_served(served, reference, model="medfake-detector version 3 (champion)", graph="g", others=2)


@pytest.fixture(scope="module")
def page(found: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("monitor") / "monitor.html"
    path.write_text(monitor_page(found))
    return path


def test_the_answer_comes_first_with_reasons_and_what_to_type(found: Comparison) -> None:
    text = monitor_page(found)
    assert text.index("retrain") < text.index("Noise in the lung drifted") < text.index("What was compared")
    assert "<code>medfake study use own-bank</code>" in text
    assert "Research use only" in text
    assert "2 by other detectors do not count" in text


def test_words_of_headers_are_text_and_nothing_else(found: Comparison) -> None:
    assert SCRIPT not in monitor_page(found)
    assert "&lt;script&gt;" in monitor_page(found)


def test_a_piece_for_another_page_has_the_sections_and_no_head(found: Comparison) -> None:
    fragment = monitor_fragment(found)
    assert "<html" not in fragment
    assert "Noise in the lung drifted" in fragment


def test_equal_comparisons_make_equal_pages(found: Comparison) -> None:
    assert monitor_page(found) == monitor_page(found)


@pytest.mark.parametrize("count", [0, 5])
def test_few_or_no_scans_make_a_page_too(make_served: MakeServed, count: int) -> None:
    served = make_served(count, seed=1)
    reference = reference_of_served(make_served(60, seed=2), "some scans", "g")
    for known in (None, reference):
        text = monitor_page(compare_served(served, known, model="a detector", graph="g"))
        assert "Next" in text


@pytest.mark.slow
def test_nothing_is_asked_for_beside_the_page_and_no_word_runs(browser: Browser, page: Path) -> None:
    browser.open(page.as_uri())
    assert [one for one in browser.requested if not one.startswith("data:")] == [page.as_uri()]
    assert browser.evaluate("window.taken === undefined")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_every_width_light_and_dark(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.resize(width, 900, dark=dark)
    browser.open(page.as_uri())
    assert not browser.evaluate(WIDER)
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(15, 19, 24)" if dark else "rgb(246, 248, 250)")
