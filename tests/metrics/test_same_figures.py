"""Figures of two packages side by side."""

import math

import pyarrow.parquet as pq
import pytest

from medfake.metrics.predictions import write_predictions
from medfake.metrics.same_figures import FigurePair, figure_pairs


def test_equal_packages_have_no_differences(make_package, predict):
    packages = [make_package(name) for name in ("before", "again")]
    for package in packages:
        write_predictions(package / "predictions.parquet", predict())
    pairs = {one.name: one for one in figure_pairs(*packages)}
    assert all(one.difference == 0 for one in pairs.values())
    assert pairs["test/slice/auc"].before == 0.8
    assert pairs["test/scan/auc"].before is not None
    assert {"threshold", "scan_threshold_low", "scan_threshold_high"} <= pairs.keys()


def test_a_difference_is_that_of_its_figure_alone(make_package):
    pairs = figure_pairs(make_package("before"), make_package("again", test=0.75))
    (differing,) = (one for one in pairs if one.difference)
    assert differing.name == "test/slice/auc"
    assert differing.difference == pytest.approx(0.05)


def test_probabilities_are_compared_slice_by_slice_whatever_their_order(make_package, predict):
    packages, rows = [make_package(name) for name in ("before", "again")], predict()
    write_predictions(packages[0] / "predictions.parquet", rows)
    moved = rows.assign(p_tampered=rows.p_tampered.mask(rows.index == 3, 0.0))
    write_predictions(packages[1] / "predictions.parquet", moved)
    table = pq.read_table(packages[1] / "predictions.parquet")
    pq.write_table(table.take(list(range(len(table)))[::-1]), packages[1] / "predictions.parquet")
    largest = figure_pairs(*packages)[-1]
    assert largest.difference == pytest.approx(float(rows.p_tampered[3]))


def test_other_slices_are_no_small_difference(make_package, predict):
    packages, rows = [make_package(name) for name in ("before", "again")], predict()
    write_predictions(packages[0] / "predictions.parquet", rows)
    write_predictions(packages[1] / "predictions.parquet", rows.iloc[1:])
    assert figure_pairs(*packages)[-1].difference == math.inf


@pytest.mark.parametrize(
    ("before", "again", "difference"), [(None, None, 0.0), (0.5, None, math.inf), (None, 0.0, math.inf), (1, 0.5, 0.5)]
)
def test_what_is_undefined_equals_only_what_is_undefined(before, again, difference):
    assert FigurePair("auc", before, again).difference == difference
