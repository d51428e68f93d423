"""A package on single slices says what it says of them as scans of one slice, whatever is inside it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medfake.metrics.robustness.judge import SliceJudge
from medfake.package.scan_scorer import open_package
from tests.fixtures.places import give_places

MakePackage = Callable[..., Path]
SPACING_MM = (0.7, 0.7)


def chest(bright_at: tuple[int, int]) -> np.ndarray:
    hu = np.full((96, 96), -100, np.int16)
    hu[12:84, 16:80] = -850
    hu[bright_at] = 300
    return hu


def test_slices_of_any_size_keep_their_order(make_package: MakePackage) -> None:
    slices = [np.full((edge, edge), hu, np.int16) for edge, hu in ((96, -300), (96, 0), (128, 100), (96, 200), (96, 1))]
    said = SliceJudge(make_package()).judge(slices, [SPACING_MM] * 5)
    expected = [1 / (1 + np.exp(-0.01 * float(hu.mean()))) for hu in slices]
    assert said.p == pytest.approx(expected, abs=1e-6)
    assert (said.places == 32).all()


def test_a_package_that_judges_scans_judges_each_slice_as_one(make_package: MakePackage) -> None:
    package = give_places(make_package("mapped"))
    slices = [chest((40, 48)), chest((64, 32))]
    said = SliceJudge(package).judge(slices, [SPACING_MM] * 2)
    alone = [open_package(package).score_scan([(hu[None], np.zeros(1))], SPACING_MM) for hu in slices]
    assert said.p.tolist() == [float(one.slice_p[0]) for one in alone]
    assert said.places.tolist() == [[40.0, 48.0], [64.0, 32.0]]


def test_a_slice_without_a_number_is_not_a_number(make_package: MakePackage) -> None:
    package = give_places(make_package("broken"), broken=True)
    said = SliceJudge(package).judge([chest((40, 48))], [SPACING_MM])
    assert np.isnan(said.p).all()
    assert np.isnan(said.places).all()
