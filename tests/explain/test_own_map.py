"""The detector's own map in native resolution: what it says of a place stands at that place."""

from collections.abc import Callable

import numpy as np
import pytest

from medfake.explain.own_map import own_map
from medfake.explain.registry import ExplainedPackage, ShownSlice
from medfake.metrics.within_slice import PlaceMap
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
