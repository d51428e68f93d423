"""What the layers of dense detectors compute, against plain NumPy."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from medfake.detectors.dense import grid
from medfake.training.keras_setup import load_keras


@pytest.fixture(scope="module", autouse=True)
def keras() -> object:
    return load_keras()


def chest() -> np.ndarray:
    """(1, 512, 512) int16 HU: two lungs with noise in a body, a vessel in one, a trachea; a table of foam below."""
    y, x = np.mgrid[:512, :512] / 512 - np.array([0.45, 0.5]).reshape(2, 1, 1)
    hu = np.full((512, 512), -1000.0)
    hu[(x / 0.45) ** 2 + (y / 0.38) ** 2 < 1] = 40
    for side in (-0.2, 0.2):
        hu[((x - side) / 0.14) ** 2 + (y / 0.26) ** 2 < 1] = -850
    hu[240:252, 120:132] = 30
    hu[x**2 + y**2 < 0.03**2] = -1000
    hu[452:500, 80:432] = -930
    hu[[450, 451, 500, 501], 80:432] = -150
    noise = np.random.default_rng(3).normal(0, 20, hu.shape)
    return np.rint(hu + noise).astype(np.int16)[None]


def lung_of(hu: np.ndarray) -> np.ndarray:
    from medfake.detectors.dense.lung_layers import LungField

    return np.asarray(LungField()(hu[..., None].astype(np.float32)))[0, ..., 0]


def test_the_lung_field_has_lung_and_its_vessels_and_neither_air_nor_table_nor_trachea() -> None:
    lung = lung_of(chest())
    assert lung.shape == (512, 512)
    assert lung[230, 110] == lung[230, 340] == 1
    assert lung[246, 126] == 1, "a vessel is part of the lung"
    assert lung[10, 10] == 0, "open air"
    assert lung[476, 256] == 0, "foam of the table"
    assert lung[230, 256] == 0, "trachea"
    assert lung[230, 40] == 0, "chest wall"


@pytest.mark.parametrize("radius_px", [6, 12, 20])
def test_a_nodule_is_part_of_the_lung_and_the_heart_is_not(radius_px: int) -> None:
    hu = chest()
    rows, cols = np.ogrid[:512, :512]
    hu[0][np.hypot(rows - 230, cols - 130) < radius_px] = 30
    lung = lung_of(hu)
    assert lung[230, 130] == 1, "what a generator puts in has to be looked at"
    assert lung[330, 256] == 0, "tissue between the lungs"


@pytest.mark.parametrize("size", [(511, 512), (197, 331)])
def test_slices_of_any_size_have_a_lung_field(size: tuple[int, int]) -> None:
    assert lung_of(np.ascontiguousarray(chest()[:, : size[0], : size[1]])).shape == size


def test_a_slice_without_lung_has_none() -> None:
    assert lung_of(np.full((1, 128, 128), -1000, np.int16)).sum() == 0
    assert lung_of(np.full((1, 128, 128), 40, np.int16)).sum() == 0


def test_features_do_not_depend_on_how_strong_the_noise_is() -> None:
    from medfake.detectors.dense.network import build_front

    rng = np.random.default_rng(0)
    base = np.where(chest() < -500, -850, 40).astype(np.float64)
    noise = rng.normal(0, 1, base.shape)
    weak, strong = (np.asarray(build_front()(np.rint(base + level * noise).astype(np.int16))[0]) for level in (15, 45))
    middle = (0, 28, 15, slice(0, 3 * 12))  # quantile channels in the middle of a lung
    assert np.abs(weak[middle] - strong[middle]).max() < 0.1


def reference(logits: np.ndarray, counts: np.ndarray, z_mm: np.ndarray) -> np.ndarray:
    """Scores of places within their scan, as the recipe has them, one place at a time."""
    _, down, across = logits.shape
    scores = np.full(logits.shape, grid.NOWHERE)
    for s, i, j in zip(*np.nonzero(counts), strict=True):
        halves = []
        for slices in ([s], np.flatnonzero(np.abs(z_mm - z_mm[s]) <= 8.0)):
            total = number = 0.0
            for t in slices:
                for y in range(max(0, i - 1), min(down, i + 2)):
                    for x in range(max(0, j - 1), min(across, j + 2)):
                        total += logits[t, y, x] * counts[t, y, x]
                        number += counts[t, y, x]
            full = 9 * len(slices)
            halves.append((total + 0.5 * full * -4) / (number + 0.5 * full))
        scores[s, i, j] = sum(halves) / 2
    strongest = scores.max(axis=(1, 2))
    known = np.sort(strongest[strongest > grid.NOWHERE])[::-1]
    if len(known):
        level = (known[len(known) // 2] + 1.3) * (len(known) - 1) / (len(known) + 9)
        scores[counts > 0] -= 0.5 * level
    return scores


def test_a_scan_is_scored_in_plane_and_along_z_with_shrinkage() -> None:
    from medfake.detectors.dense.score_layers import ScanScores

    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (5, 6, 7)).astype(np.float32)
    counts = (rng.random((5, 6, 7)) < 0.7).astype(np.float32)
    z_mm = np.array([0, 4, 8, 8.5, 40], np.float32)  # a gap before the last
    places, slices, scan = (np.asarray(one) for one in ScanScores()(logits, counts, z_mm))
    expected = reference(logits, counts, z_mm)
    np.testing.assert_allclose(places, expected, atol=1e-5)
    np.testing.assert_allclose(slices, expected.max(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(scan, expected.max(), atol=1e-5)


def test_a_scan_that_looks_tampered_all_over_is_told_from_one_that_does_in_a_few_slices() -> None:
    from medfake.detectors.dense.score_layers import ScanScores

    counts, z_mm = np.ones((40, 4, 4), np.float32), 20 * np.arange(40, dtype=np.float32)
    a_few = np.full(counts.shape, grid.USUAL_LEVEL, np.float32)
    a_few[10:12] = 3
    everywhere = np.full(counts.shape, 3, np.float32)
    few, all_ = (float(np.asarray(ScanScores()(logits, counts, z_mm)[2])[0]) for logits in (a_few, everywhere))
    assert all_ < few - 1
    without_lung = counts.copy()
    without_lung[20:] = 0  # says nothing about the level
    less = float(np.asarray(ScanScores()(everywhere, without_lung, z_mm)[2])[0])
    assert less == pytest.approx(all_, abs=0.3)


def test_the_onnx_form_says_of_a_scan_what_the_layers_say(tmp_path: Path) -> None:
    from medfake.detectors.dense.fit import write_aggregation
    from medfake.detectors.dense.network import build_aggregation

    aggregation = build_aggregation()
    write_aggregation(aggregation, tmp_path / "aggregation.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "aggregation.onnx")
    rng = np.random.default_rng(4)
    for slices in (1, 2, 30):
        logits = rng.normal(-2, 2, (slices, 5, 6)).astype(np.float32)
        counts = (rng.random(logits.shape) < 0.5).astype(np.float32)
        counts[slices // 2 : slices // 2 + 3] = 0
        given = {"place_logit": logits, "place_counts": counts, "z_mm": np.arange(slices, dtype=np.float32)}
        told = dict(zip([one.name for one in session.get_outputs()], session.run(None, given), strict=True))
        for name, layers in aggregation(given).items():
            np.testing.assert_allclose(told[name], np.asarray(layers), atol=1e-5)


def test_a_single_slice_scores_the_same_alone_and_as_a_scan() -> None:
    from medfake.detectors.dense.score_layers import PlaneScores, ScanScores

    rng = np.random.default_rng(2)
    logits, counts = rng.normal(0, 3, (1, 5, 5)).astype(np.float32), np.ones((1, 5, 5), np.float32)
    places, _, _ = ScanScores()(logits, counts, np.zeros(1, np.float32))
    np.testing.assert_allclose(np.asarray(places), np.asarray(PlaneScores()(logits, counts)), atol=1e-6)


def test_where_nothing_counts_nothing_is_found() -> None:
    from medfake.detectors.dense.score_layers import ScanScores

    nothing = np.zeros((2, 4, 4), np.float32)
    places, slices, scan = ScanScores()(nothing + 5, nothing, np.arange(2, dtype=np.float32))
    assert np.asarray(places).max() == np.asarray(slices).max() == np.asarray(scan)[0] == grid.NOWHERE


def test_the_strongest_place_is_told_in_pixels() -> None:
    from medfake.detectors.dense.score_layers import Strongest

    scores = np.zeros((1, 4, 6), np.float32)
    scores[0, 2, 5], scores[0, 3, 3] = 2, 9
    counts = np.ones_like(scores)
    counts[0, 3, 3] = 0
    logit, y, x = (float(np.asarray(one)[0]) for one in Strongest()(scores, counts))
    assert (logit, y, x) == (2, 16, 40)


def compared(texture: np.ndarray, lung: np.ndarray) -> np.ndarray:
    """(down, across, 6 x channels) float64: centre, place, spread, and their differences from the ring, one by one."""
    rows, cols = texture.shape[:2]
    y, x = np.mgrid[:rows, :cols]
    places = []
    for i, j in np.ndindex(rows // 2 + 1, cols // 2 + 1):

        def window(cells: int, i: int = i, j: int = j) -> np.ndarray:
            half = cells // 2
            return (y >= 2 * i - half) & (y < 2 * i + half) & (x >= 2 * j - half) & (x < 2 * j + half)

        def moments(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            weights = lung[where]
            if not weights.any():
                return np.zeros(grid.CHANNELS), np.full(grid.CHANNELS, 0.01)
            mean = np.average(texture[where], axis=0, weights=weights[:, 0])
            square = np.average(texture[where] ** 2, axis=0, weights=weights[:, 0])
            return mean, np.sqrt(np.maximum(square - mean**2, 0) + 1e-4)

        m1, _ = moments(window(grid.CENTRE_CELLS))
        m2, s2 = moments(window(grid.PLACE_CELLS))
        mr, sr = moments(window(grid.RING_CELLS) & ~window(grid.HOLE_CELLS))
        places.append(np.concatenate([m1, m2, s2, m1 - mr, m2 - mr, s2 - sr]))
    return np.reshape(places, (rows // 2 + 1, cols // 2 + 1, -1))


def test_places_are_compared_with_the_ring_around_them_however_little_lung_it_holds() -> None:
    from medfake.detectors.dense.texture_layers import Comparison

    rng = np.random.default_rng(5)
    texture = rng.normal(0, 2, (1, 40, 52, grid.CHANNELS)).astype(np.float32)
    lung = np.zeros((1, 40, 52, 1), np.float32)
    lung[0, 8:20, 8:20], lung[0, 30, 40], lung[0, 2, 28] = 1, 1 / 16, 2 / 16
    features = np.asarray(Comparison()(texture, lung)[0])[0]
    expected = compared(texture[0].astype(np.float64), lung[0].astype(np.float64))
    np.testing.assert_allclose(features[..., : 6 * grid.CHANNELS], expected, atol=1e-3)


def test_the_onnx_form_sees_the_apex_of_a_lung_as_the_layers_do(tmp_path: Path) -> None:
    """All of it lies in the holes of rings that hold a pixel of lung or none."""
    from medfake.detectors.dense.network import build_front
    from medfake.package.keras_to_onnx import write_onnx

    front, hu = build_front(), chest()
    rows, cols = np.ogrid[:512, :512]
    inside = np.hypot(rows - 230, cols - 256) < 240
    hu[0][(hu[0] < -500) & inside & (np.hypot(rows - 230, cols - 130) > 28)] = 40
    write_onnx(front, tmp_path / "front.onnx", hu)
    session = onnxruntime.InferenceSession(tmp_path / "front.onnx")
    told = session.run(None, {session.get_inputs()[0].name: hu})
    for layers, graph in zip(front(hu), told, strict=True):
        np.testing.assert_allclose(graph, np.asarray(layers), atol=1e-3)
