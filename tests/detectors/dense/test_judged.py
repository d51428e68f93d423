"""The fixed front once, and judges of what it gives: the same as the whole detector."""

from pathlib import Path

import numpy as np
import pytest

from medfake.detectors.dense import grid
from medfake.detectors.dense.judged import JudgedSlices, open_judges, save_judges
from medfake.detectors.dense.network import build_detector, build_judges
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.statistics import write_front
from tests.fixtures.chests import draw_chest


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> JudgedSlices:
    path = tmp_path_factory.mktemp("front") / "front.onnx"
    write_front(path)
    return JudgedSlices(path)


def test_maps_are_those_of_the_whole_detector_for_each_judge(front: JudgedSlices, tmp_path: Path) -> None:
    options = ResidualStatisticsOptions(members=2, widths=(8,))
    nothing = np.zeros(grid.FEATURES, np.float32)
    judges = {str(scale): build_judges(nothing, nothing + scale, options) for scale in (1, 3)}
    rng = np.random.default_rng(2)
    slices = np.stack([np.rint(draw_chest(rng)).astype(np.int16) for _ in range(3)])
    said = front.score(slices, judges)
    assert set(said) == {"1", "3"}
    for name, one in judges.items():
        whole = build_detector(one).predict_on_batch(slices)
        counts, logits = said[name].place_counts, said[name].place_logit
        assert counts is not None
        assert logits is not None
        np.testing.assert_array_equal(counts, whole["place_counts"])
        assert counts.any()
        np.testing.assert_allclose(logits[counts > 0], whole["place_logit"][counts > 0], atol=1e-3)
    path = tmp_path / "judges.keras"
    save_judges(judges["3"], path)
    assert [one.name for one in tmp_path.iterdir()] == ["judges.keras"]
    again = front.score(slices, {"3": open_judges(path)})["3"].place_logit
    np.testing.assert_array_equal(again, said["3"].place_logit)


def test_slices_without_lung_have_no_place_that_counts(front: JudgedSlices) -> None:
    judges = {"one": build_judges(0, 1, ResidualStatisticsOptions(rounds=1, members=1, widths=(8,)))}
    bare = np.random.default_rng(3).normal(40, 10, (1, 128, 128)).astype(np.int16)
    scores = front.score(bare, judges)["one"]
    assert scores.place_counts is not None
    assert not scores.place_counts.any()
