"""Covered squares find what a package reads, whatever it is made of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.config import OcclusionParams
from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.explain.occlusion import occlusion, squares_of
from medfake.explain.registry import ExplainedPackage, ShownSlice
from medfake.training.run_state import RunState

SPACING = (1.0, 1.0)
FINE = OcclusionParams(patch_mm=12.0, stride_mm=4.0, copies=5000)


def explained(package: ExplainedPackage, hu: np.ndarray, options: OcclusionParams = FINE) -> Any:
    return occlusion(replace(package, occlusion=options))(ShownSlice(hu, SPACING))


@pytest.mark.parametrize("place", [(60, 140), (0, 0), (119, 199), (3, 77)])
def test_the_peak_lies_on_the_pixel_that_is_read(
    one_pixel: Callable[..., ExplainedPackage], noise: np.ndarray, place: tuple[int, int]
) -> None:
    noise[place] = 200
    heat = explained(one_pixel(*place), noise)
    y, x = heat.peak
    assert max(abs(y - place[0]), abs(x - place[1])) <= 2  # half a step
    assert heat.values[place] == heat.values.max()
    assert heat.values[(place[0] + 60) % 120, (place[1] + 100) % 200] == 0.0


def test_a_pixel_of_its_square_has_the_fall_of_the_log_odds(
    one_pixel: Callable[..., ExplainedPackage],
) -> None:
    hu = np.full((120, 200), -800, np.int16)
    hu[60, 140] = 100
    heat = explained(one_pixel(60, 140, 0.001), hu)
    fill = np.rint((-800 * (24 * 24 - 144) + 0) / (24 * 24 - 144))  # the ring holds no bright pixel
    assert heat.values[60, 140] == pytest.approx(0.001 * (100 - fill), rel=1e-3)


def test_what_speaks_against_tampering_is_below_zero_and_no_peak(
    one_pixel: Callable[..., ExplainedPackage], noise: np.ndarray
) -> None:
    noise[60, 140] = 200
    heat = explained(one_pixel(60, 140, -0.01), noise)
    assert heat.values[60, 140] == heat.values.min() < 0
    assert heat.peak is None


def test_even_air_is_not_scored_again(one_pixel: Callable[..., ExplainedPackage]) -> None:
    package = one_pixel(60, 140)
    scored: list[int] = []
    graph = package.scorer.scorer.score_each

    def counted(batches: Any) -> Any:
        return graph(scored.append(len(one)) or one for one in batches)

    package.scorer.scorer.score_each = counted  # type: ignore[method-assign]
    hu = np.full((120, 200), -1024, np.int16)
    hu[60, 140] = 0
    explained(package, hu)
    assert 0 < sum(scored) < 120


def test_the_forest_that_reads_one_block_is_found_out(
    make_dataset: Callable[..., Dataset], make_package: Callable[..., Path], tmp_path: Path
) -> None:
    made = make_dataset({"train": 24, "val": 12, "test": 4}, size=96)
    label = made.manifest.label.to_numpy()
    pixels = np.full((len(label), 96, 128), -850, np.int16)
    pixels[:, 40:44, 88:92] = np.where(label, -450, -850)[:, None, None]
    np.save(made.folder / "shard-000.npy", pixels)
    data = replace(made, manifest=made.manifest.assign(cols=128), digest="f" * 64)
    spec = detector_spec("RandomForest")
    options = validate_options("RandomForest", {"trees": 5, "pool": 4, "max_features": 0.9})
    state = RunState(tmp_path / "state", {})
    trained = fit(
        TrainingContext(
            spec=spec, options=options, dataset=data, seed=1, features=tmp_path, state=state, on_epoch=lambda *_: None
        )
    )
    folder = make_package("forest", detector="RandomForest")
    trained.save(folder)
    heat = explained(ExplainedPackage.open(folder), pixels[label == 1][0])
    y, x = heat.peak
    assert abs(y - 41.5) <= 2
    assert abs(x - 89.5) <= 2


def test_squares_cover_the_slice_and_are_as_large_as_asked() -> None:
    squares = squares_of((120, 200), (0.5, 2.0), OcclusionParams(patch_mm=16.0, stride_mm=8.0, copies=1000))
    assert squares.edge == (32, 8)
    covered = np.zeros((120, 200), int)
    for one in squares:
        covered[one] += 1
    assert covered.min() >= 1
    assert squares.count == sum(1 for _ in squares)


@pytest.mark.parametrize("copies", [16, 100, 400])
def test_where_squares_would_be_too_many_they_grow_and_still_cover_the_slice(copies: int) -> None:
    squares = squares_of((512, 400), (0.7, 0.7), OcclusionParams(patch_mm=4.0, stride_mm=2.0, copies=copies))
    covered = np.zeros((512, 400), bool)
    for one in squares:
        covered[one] = True
    assert covered.all()
    assert copies / 3 <= squares.count <= copies
