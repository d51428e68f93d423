"""Every layer of the forensic detector against NumPy."""

from typing import Any

import numpy as np
import pytest

from medfake.detectors.forensic import layers as graph
from medfake.detectors.forensic import tissue_layers
from medfake.training.keras_setup import import_keras

keras = import_keras(0)
Array = np.ndarray[Any, Any]
RNG = np.random.default_rng


def chest(size: int = 256) -> Array:
    """(1, size, size, 1) HU: air, a body with two lungs."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    hu = np.full((size, size), -1000.0)
    hu[(y / 0.36) ** 2 + (x / 0.46) ** 2 < 1] = 40.0
    for side in (-0.2, 0.2):
        hu[(y / 0.26) ** 2 + ((x - side) / 0.15) ** 2 < 1] = -850.0
    return (hu + RNG(1).normal(0, 15, hu.shape)).astype(np.float32)[None, :, :, None]


def run(layer: Any, *inputs: Array) -> Any:
    outputs = layer(*inputs)
    return [np.asarray(one) for one in outputs] if isinstance(outputs, tuple) else np.asarray(outputs)


def test_the_filters_see_neither_a_level_nor_a_slope_of_second_order_and_have_unit_norm() -> None:
    bank = graph.srm_filters()[:, :, 0]
    np.testing.assert_allclose(bank.sum(axis=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(np.sqrt((bank**2).sum(axis=(0, 1))), 1, atol=1e-6)
    ramp = np.arange(5.0)
    np.testing.assert_allclose(np.einsum("yxk,x->k", bank[:, :, 2:], ramp), 0, atol=1e-6)  # all but the first order


def test_residuals_of_a_flat_image_are_nothing() -> None:
    flat = np.full((1, 64, 64, 1), -850, np.float32)
    assert np.abs(run(graph.NoiseScaledResiduals(), flat)[:, 4:-4, 4:-4]).max() < 1e-4


def test_twice_the_noise_gives_nearly_the_same_residuals() -> None:
    noise = RNG(3).normal(0, 40, (1, 160, 160, 1)).astype(np.float32)
    once, twice = (run(graph.NoiseScaledResiduals(), noise * factor)[:, 4:-4, 4:-4] for factor in (1, 2))
    assert abs(twice.std() / once.std() - 1) < 0.03


def test_residuals_are_clipped_at_four_times_the_noise() -> None:
    spike = RNG(4).normal(0, 5, (1, 64, 64, 1)).astype(np.float32)
    spike[0, 32, 32, 0] = 3000
    residuals = run(graph.NoiseScaledResiduals(), spike)
    assert residuals.max() == graph.HIGHEST_Z
    assert residuals.min() == -graph.HIGHEST_Z


def test_the_filter_bank_is_a_weight_that_is_saved_but_not_trained() -> None:
    layer = graph.NoiseScaledResiduals()
    layer.build((None, None, None, 1))
    assert [weight.shape for weight in layer.weights] == [(5, 5, 1, 7)]
    assert layer.trainable_weights == []


def test_centre_against_ring_is_what_numpy_says() -> None:
    maps = RNG(5).uniform(0, 2, (1, 32, 28, 2))
    pooled = run(graph.CentreAgainstRing(), maps.astype(np.float32))
    assert pooled.shape == (1, 3, 2, 8)
    window = maps[0, 8:32, 4:28]  # place (2, 1), cells of 4 px
    centre = window[6:18, 6:18].reshape(-1, 2)
    outside = np.ones((24, 24), bool)
    outside[4:20, 4:20] = False
    ring = window[outside]
    deviation = [np.sqrt(part.var(axis=0) + 1e-4) for part in (centre, ring)]
    expected = [centre.mean(0), deviation[0], centre.mean(0) - ring.mean(0), deviation[0] - deviation[1]]
    np.testing.assert_allclose(pooled[0, 2, 1], np.concatenate(expected), atol=1e-4)


def test_a_place_is_judged_the_same_in_a_crop_and_in_the_whole() -> None:
    maps = RNG(6).uniform(0, 2, (1, 48, 48, 3)).astype(np.float32)
    whole = run(graph.CentreAgainstRing(), maps)
    for place in range(whole.shape[1]):
        crop = maps[:, 4 * place : 4 * place + 24, 8:32]
        np.testing.assert_allclose(run(graph.CentreAgainstRing(), crop)[0, 0, 0], whole[0, place, 2], atol=1e-5)


def test_lung_is_found_in_the_lungs_and_not_in_the_air_outside() -> None:
    share = run(graph.LungShare(), chest())[0, :, :, 0]  # places at 48 + 16 k px
    assert share.shape == (11, 11)
    assert share[5, 2] > 0.5  # row 128, column 80: inside the right lung
    outside = run(graph.LungShare(), np.full((1, 128, 128, 1), -1000, np.float32))
    assert outside.max() == 0
    tissue = run(graph.LungShare(), np.full((1, 128, 128, 1), 40, np.float32))
    assert tissue.max() == 0


def test_the_strongest_place_is_the_brightest_peak_inside_the_lungs() -> None:
    logits = np.full((2, 9, 9, 1), -3, np.float32)
    logits[:, 2:5, 5:8] = 4.0  # centred on place (3, 6)
    logits[:, 6:9, 0:3] = 9.0
    lung = np.ones_like(logits)
    lung[:, 6:9, 0:3] = 0.0
    lung[:, 5, 0:4] = 0.0  # smoothing carries the peak outside one place further
    lung[:, 5:9, 3] = 0.0
    score, y, x, best = run(graph.StrongestPlaces(1), logits, lung)
    assert (y[0], x[0]) == (48 + 3 * 16, 48 + 6 * 16)
    assert best[0] == score[0] == pytest.approx(4.0)


@pytest.mark.parametrize(("share", "counts"), [(0.25, True), (0.249, False)])
def test_a_place_counts_from_a_quarter_of_lung_on(share: float, counts: bool) -> None:
    logits = np.zeros((1, 5, 5, 1), np.float32)
    score, *_ = run(graph.StrongestPlaces(4), logits, np.full_like(logits, share))
    assert score[0] == (0.0 if counts else graph.StrongestPlaces.NOWHERE)


def test_a_slice_without_lung_scores_low() -> None:
    logits = np.full((1, 5, 5, 1), 20.0, np.float32)
    score, _, _, best = run(graph.StrongestPlaces(4), logits, np.zeros_like(logits))
    assert score[0] == best[0] == graph.StrongestPlaces.NOWHERE


def test_a_slice_with_little_lung_keeps_its_score() -> None:
    logits = np.full((1, 5, 5, 1), 3.0, np.float32)
    lung = np.zeros_like(logits)
    lung[0, 2, 2] = 1.0
    score, *_ = run(graph.StrongestPlaces(4), logits, lung)
    assert score[0] == pytest.approx(3.0)


def test_the_map_has_each_place_8_px_apart_and_the_mean_of_two_between_them() -> None:
    logits = RNG(4).normal(0, 1, (1, 4, 6, 1)).astype(np.float32)
    lung = np.ones_like(logits)
    lung[0, 1, 2] = 0.2
    said, counts = run(graph.PlacesOfMap(), logits, lung)
    smooth = np.asarray(keras.ops.average_pool(logits, 3, 1, padding="same"))[0, :, :, 0]
    assert said.shape == counts.shape == (1, 6 + 7, 6 + 11)
    for i, j in ((0, 0), (2, 3), (3, 5)):
        assert said[0, 6 + 2 * i, 6 + 2 * j] == pytest.approx(smooth[i, j], abs=1e-6)  # row 48 + 16 i of the slice
    assert said[0, 6 + 3, 6 + 4] == pytest.approx((smooth[1, 2] + smooth[2, 2]) / 2, abs=1e-6)
    assert counts[0, 6 + 2, 6 + 4] == 0
    assert counts[0, 6 + 3, 6 + 4] == 0  # one of the two does not count
    assert counts[0, 6 + 4, 6 + 4] == 1
    assert not counts[0, :6].any()
    assert not counts[0, :, :6].any()


def test_a_place_of_tissue_is_half_as_wide_as_one_of_lung() -> None:
    maps = RNG(7).uniform(0, 2, (1, 16, 14, 2)).astype(np.float32)
    pooled = run(tissue_layers.TissueAgainstRing(), maps)
    assert pooled.shape == (1, 3, 2, 8)
    centre = maps[0, 4 + 3 : 4 + 9, 2 + 3 : 2 + 9].reshape(-1, 2)  # place (2, 1), cells of 4 px
    np.testing.assert_allclose(pooled[0, 2, 1, :2], centre.mean(0), atol=1e-5)


def test_the_strongest_place_of_tissue_is_said_in_px_of_the_slice() -> None:
    logits = np.full((1, 9, 9, 1), -3, np.float32)
    logits[:, 2:5, 5:8] = 4.0
    score, y, x, _ = run(tissue_layers.StrongestTissuePlaces(1), logits, np.ones_like(logits))
    assert (y[0], x[0], score[0]) == (24 + 3 * 8, 24 + 6 * 8, pytest.approx(4.0))


def test_the_map_of_tissue_has_every_place_where_it_is() -> None:
    logits = RNG(8).normal(0, 1, (1, 4, 6, 1)).astype(np.float32)
    share = np.ones_like(logits)
    share[0, 1, 2] = 0.2
    said, counts = run(tissue_layers.TissuePlacesOfMap(), logits, share)
    smooth = np.asarray(keras.ops.average_pool(logits, 3, 1, padding="same"))[0, :, :, 0]
    assert said.shape == counts.shape == (1, 3 + 4, 3 + 6)  # row 24 + 8 i of the slice is row 3 + i of the map
    np.testing.assert_allclose(said[0, 3:, 3:], smooth, atol=1e-6)
    assert counts[0, 3:, 3:].sum() == 4 * 6 - 1
    assert not counts[0, :3].any()
