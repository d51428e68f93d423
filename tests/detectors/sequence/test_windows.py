"""Sequences to learn from: labels of places, neighbours within reach, and no class given away by its gaps."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.detectors.sequence.grid import NOWHERE_MM, STEP_PX
from medfake.detectors.sequence.maps import MappedScan
from medfake.detectors.sequence.options import SliceGRUOptions
from medfake.detectors.sequence.windows import (
    DrawnWindows,
    Windows,
    balanced,
    matched_weights,
    place_labels,
    windows_of,
)
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import Scores

OPTIONS = SliceGRUOptions(reach=2, batch_size=64, sequences=256, alone=0.0)
NO_SITES = pd.DataFrame({"scan_id": [], "y": [], "x": []})


def rows(*labels: int, distance_mm: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame({
        "scan_id": "scan", "label": labels, "site_y": [64.0 if one else np.nan for one in labels], "site_x": 80.0,
        "spacing_mm": 0.75, "distance_mm": distance_mm,
    })  # fmt: skip


def mapped(table: pd.DataFrame, z_mm: list[float], ours: list[int] | None = None, grid: int = 9) -> MappedScan:
    count = len(z_mm)
    scores = Scores(
        p_tampered=np.full(count, 0.5, np.float32),
        place_logit=np.zeros((count, grid, grid), np.float32),
        place_counts=np.ones((count, grid, grid), np.float32),
    )
    yes = np.ones(count, bool)
    scored = ScoredScan(scores, np.array(z_mm), yes, yes, (0.75, 0.75))
    return MappedScan(table, scored, np.array(ours if ours is not None else range(count)))


def seen(scored: ScoredScan) -> tuple[Any, Any]:
    """A feature a place, the number of its slice, so that sequences show where they were cut."""
    counts = scored.scores.place_counts
    return np.arange(1.0, 1 + len(counts), dtype=np.float32)[:, None, None, None] * counts[..., None], counts


def test_places_near_a_site_are_tampered_far_ones_untouched_and_others_neither() -> None:
    labels = place_labels(rows(1), NO_SITES, (12, 12))[0]
    y, x = np.mgrid[:12, :12] * STEP_PX
    apart_mm = np.hypot(y - 64, x - 80) * 0.75
    assert (labels[apart_mm <= 12] == 1).all()
    assert (labels[(apart_mm > 12) & (apart_mm < 40)] == -1).all()
    assert (labels[apart_mm >= 40] == 0).all()


def test_another_site_of_the_scan_is_neither() -> None:
    elsewhere = pd.DataFrame({"scan_id": ["scan"], "y": [160.0], "x": [160.0]})
    assert place_labels(rows(1), elsewhere, (12, 12))[0, 10, 10] == -1
    assert place_labels(rows(1), NO_SITES, (12, 12))[0, 10, 10] == 0


@pytest.mark.parametrize(("distance_mm", "label"), [(10.0, 1), (10.1, -1)])
def test_the_rim_of_a_manipulation_along_z_does_not_train(distance_mm: float, label: int) -> None:
    assert place_labels(rows(1, distance_mm=distance_mm), NO_SITES, (12, 12))[0, 4, 5] == label


def test_every_place_of_a_real_slice_is_untouched() -> None:
    assert (place_labels(rows(0), NO_SITES, (5, 5)) == 0).all()


def test_a_sequence_is_the_same_place_on_the_slices_around_and_nothing_beyond_the_scan() -> None:
    windows = windows_of([mapped(rows(0, 0, 0), [0, 2, 4])], NO_SITES, seen, OPTIONS, np.random.default_rng(1))
    first = windows.steps[windows.steps[:, 2, 0] == 1]
    assert first[0, :, 0].tolist() == [0, 0, 1, 2, 3]
    assert first[0, :, 1].tolist() == [0, 0, 1, 1, 1]
    assert first[0, :, 2].tolist() == [NOWHERE_MM, NOWHERE_MM, 0, 2, 4]


def test_only_slices_of_the_data_set_are_judged_and_those_around_them_are_seen() -> None:
    windows = windows_of([mapped(rows(0), [0, 2, 4], ours=[1])], NO_SITES, seen, OPTIONS, np.random.default_rng(1))
    assert set(windows.steps[:, 2, 0]) == {2.0}
    assert set(windows.neighbours) == {2}


@pytest.mark.parametrize(
    ("z_mm", "neighbours"),
    [([0, 10, 20], [1, 2, 1]), ([0, 10.1, 20.2], [0, 0, 0]), ([0, 6, 12.1], [1, 2, 1]), ([0, 0, 0], [2, 2, 2])],
)
def test_neighbours_lie_within_reach_and_beyond_no_wide_gap(z_mm: list[float], neighbours: list[int]) -> None:
    windows = windows_of([mapped(rows(0, 0, 0), z_mm)], NO_SITES, seen, OPTIONS, np.random.default_rng(1))
    found = {int(step): set(windows.neighbours[windows.steps[:, 2, 0] == step]) for step in (1, 2, 3)}
    assert found == {number + 1: {count} for number, count in enumerate(neighbours)}


def some(tampered: list[int], untouched: list[int]) -> Windows:
    neighbours = np.array([*tampered, *untouched])
    labels = np.repeat([1, 0], [len(tampered), len(untouched)]).astype(np.int8)
    steps = np.zeros((len(labels), 5, 3), np.float32)
    steps[..., 1], steps[..., 2] = 1, np.arange(5) * 2.0
    steps[..., 0] = neighbours[:, None]
    return Windows(steps, labels, neighbours)


def test_untouched_sequences_are_drawn_with_as_many_neighbours_as_tampered_ones() -> None:
    windows = some([4] * 30 + [2] * 10, [0] * 200 + [2] * 50 + [4] * 10)
    weights = matched_weights(windows)
    numbers = windows.neighbours[windows.labels == 0]
    assert weights.sum() == pytest.approx(1)
    assert [weights[numbers == count].sum() for count in (0, 2, 4)] == pytest.approx([0, 0.25, 0.75])
    drawn = [
        one
        for batch in DrawnWindows(windows, OPTIONS, np.random.default_rng(1)).epoch(0)
        for one in zip(*batch, strict=True)
    ]
    of_class = {label: np.mean([steps[2, 0] for steps, one in drawn if one[0] == label]) for label in (0, 1)}
    assert of_class[0] == pytest.approx(of_class[1], abs=0.3)


def test_where_no_untouched_sequence_has_as_many_all_are_drawn_alike() -> None:
    assert matched_weights(some([3], [0, 1])).tolist() == [0.5, 0.5]


def test_half_of_what_is_looked_at_is_tampered() -> None:
    windows = balanced(some([2] * 30, [2] * 300), 40, np.random.default_rng(1))
    assert (len(windows.labels), int(windows.labels.sum())) == (40, 20)


def test_slices_are_left_out_of_some_sequences_but_never_the_one_that_is_judged() -> None:
    drawn = DrawnWindows(some([4] * 20, [4] * 20), replace_alone(1.0), np.random.default_rng(1))
    steps = np.concatenate([batch[0] for batch in drawn.epoch(0)])
    assert (steps[:, 2, 1] == 1).all()
    gone = steps[..., 1] == 0
    assert 0.2 < gone.mean() < 0.6
    assert (steps[gone][:, 2] == NOWHERE_MM).all()


def replace_alone(alone: float) -> SliceGRUOptions:
    return OPTIONS.model_copy(update={"alone": alone})


def test_drawing_goes_on_where_it_was() -> None:
    windows = some([4] * 20, [4] * 20)
    first = DrawnWindows(windows, OPTIONS, np.random.default_rng(1))
    list(first.epoch(0))
    again = DrawnWindows(windows, OPTIONS, np.random.default_rng(2))
    again.restore(first.position())
    for one, other in zip(first.epoch(1), again.epoch(1), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
