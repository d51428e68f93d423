import xml.etree.ElementTree as ET

import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports import plots
from medfake.reports.compare import compare

QUICK = Bootstrap(resamples=100)
DRAWINGS = [plots.roc_svg, plots.reliability_svg, plots.scan_scores_svg]


@pytest.fixture(scope="module")
def results(predict, enter):
    return compare([enter(predict(detector=name)) for name in ("ResidualCNN", "RandomForest")], QUICK).results


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_drawing_is_one_svg_element_that_refers_to_nothing_outside(results, draw):
    svg = draw(results)
    assert svg.startswith("<svg viewBox=")
    assert "http" not in svg
    assert "<image" not in svg
    ET.fromstring(svg.replace("xlink:href", "href"))  # noqa: S314  # our own text


@pytest.mark.parametrize("draw", DRAWINGS)
def test_equal_results_give_equal_drawings(results, draw):
    assert draw(results) == draw(results)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_colours_come_from_the_page(results, draw):
    svg = draw(results)
    assert "var(--series-1, #0072b2)" in svg
    assert "#0b0b" not in svg


@pytest.mark.parametrize("draw", DRAWINGS)
def test_one_class_can_be_drawn(predict, enter, draw):
    made = predict().query("split == 'val' or label == 0")
    assert draw(compare([enter(made)], QUICK).results).startswith("<svg")


def test_only_the_best_six_are_drawn(predict, enter):
    entries = [enter(predict(detector=f"Detector{n}", patients=2, slices=3)) for n in range(7)]
    results = compare(entries, QUICK).results
    svg = plots.roc_svg(results)
    assert [result.entry.detector in svg for result in results] == [True] * 6 + [False]


def test_drawings_are_described_in_words(results):
    for describe in (plots.roc_alt, plots.reliability_alt, plots.scan_scores_alt):
        assert "ResidualCNN" in describe(results)
