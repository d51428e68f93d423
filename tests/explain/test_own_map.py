"""The detector's own map in native resolution: what it says of a place stands at that place."""

from collections.abc import Callable

import numpy as np
import pytest

from medfake.config import ViewParams
from medfake.datasets.views.delocalized import DelocalizedView
from medfake.datasets.views.localized import LocalizedView
from medfake.datasets.views.registry import Place, view_of
from medfake.explain.own_map import own_map
from medfake.explain.registry import ExplainedPackage, ShownSlice
from medfake.metrics.within_slice import PlaceMap
from tests.fixtures.chests import draw_chest
from tests.fixtures.place_detectors import place_detector

Write = Callable[..., ExplainedPackage]
SPACING = (0.7, 0.7)


def test_its_peak_is_the_place_that_the_graph_scores_highest(write_package: Write, noise: np.ndarray) -> None:
    package = write_package(place_detector(), "ResidualStatistics")
    noise[60:69, 140:149] = -300  # nine px around row 64, column 144, a place
    heat = own_map(package)(ShownSlice(noise, SPACING))
    assert heat.values.shape == noise.shape
    assert heat.peak == (64.0, 144.0)
    said = package.scorer.scorer.score(noise[None])
    assert heat.values.max() == pytest.approx(float(said.p_tampered[0]), abs=1e-6)


@pytest.mark.parametrize(
    "block", [LocalizedView(name="localized"), DelocalizedView(name="delocalized", rows=160, cols=280)]
)
def test_in_a_view_it_lies_where_the_cut_shows_the_site(write_package: Write, block: ViewParams) -> None:
    package = write_package(place_detector(), "ResidualStatistics")
    hu = draw_chest(np.random.default_rng(1), 384).astype(np.int16)
    (y, x) = site = (190, 262)  # in the right lung
    hu[y - 10 : y + 11, x - 10 : x + 11] = 300
    cut = view_of(block).cut(hu, Place(float(y), float(x), labelled=True, spacing_mm=0.8))
    assert cut is not None
    peak = own_map(package)(ShownSlice(cut.pixels, (0.8, 0.8))).peak
    assert peak is not None
    found = peak[0] / cut.scale + cut.origin_y, peak[1] / cut.scale + cut.origin_x
    assert np.hypot(found[0] - site[0], found[1] - site[1]) <= 8  # places are 8 px apart


def test_places_that_do_not_count_stand_at_nothing(write_package: Write) -> None:
    package = write_package(place_detector(), "ResidualStatistics")
    hu = np.full((120, 200), 40, np.int16)
    hu[20:100, 20:90] = -850
    heat = own_map(package)(ShownSlice(hu, SPACING))
    assert (heat.values[:, 120:] == 0).all()
    assert heat.values[56, 56] > 0


def test_what_was_said_of_the_slice_in_its_scan_comes_first(write_package: Write, noise: np.ndarray) -> None:
    package = write_package(place_detector(), "ResidualStatistics")
    scores = np.zeros((15, 25))
    scores[3, 20] = 0.9
    heat = own_map(package)(ShownSlice(noise, SPACING, PlaceMap(scores, np.ones((15, 25), bool))))
    assert heat.peak == (24.0, 160.0)


def test_a_slice_of_which_nothing_is_said_has_a_map_without_a_peak(write_package: Write) -> None:
    package = write_package(place_detector(), "ResidualStatistics")
    assert own_map(package)(ShownSlice(np.full((120, 200), 40, np.int16), SPACING)).peak is None
