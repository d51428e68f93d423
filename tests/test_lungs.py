"""The rule of lung, by hand and against the graph."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.datasets.sources.phantom import write_patient
from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.lungs import LEAST_LUNG_IN_PLACE, judged_places, lung_pixels, place_shares

Slice = np.ndarray[Any, np.dtype[np.int16]]


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Slice:
    """Every fourth of 24 phantom slices, (6, 512, 512) int16 HU."""
    folder = tmp_path_factory.mktemp("phantom")
    write_patient(folder / "p", 3, 24, "injection")
    (series,), _ = find_series(folder / "p")
    return read_volume(series.headers[::4])


def flat(hu: int, size: int = 128) -> Slice:
    return np.full((size, size), hu, np.int16)


@pytest.mark.parametrize(("hu", "lung"), [(-1000, False), (-965, False), (-964, True), (-401, True), (-400, False)])
def test_lung_is_darker_than_tissue_and_brighter_than_open_air(hu: int, lung: bool) -> None:
    assert (lung_pixels(flat(hu)) == lung).all()


def test_gas_inside_the_body_is_lung_at_its_rim_alone() -> None:
    y, x = np.mgrid[:128, :128]
    gas = np.where(np.hypot(y - 64, x - 64) < 40, -1000, 40).astype(np.int16)
    lung = lung_pixels(gas)
    assert not lung[50:78, 50:78].any()
    assert lung[64, 26]


def test_what_lies_beyond_the_border_is_not_averaged() -> None:
    assert lung_pixels(flat(-960)).all()


def test_a_place_is_judged_from_a_quarter_of_lung_on() -> None:
    image = flat(40, 96)
    image[:24] = -850
    assert judged_places(image).tolist() == [[48, 48]]
    image[23] = 40
    assert judged_places(image).tolist() == []


def test_places_are_the_windows_of_96_px_that_fit() -> None:
    mask = np.random.default_rng(1).random((130, 161)) < 0.4
    shares = place_shares(mask)
    assert shares.shape == (3, 5)
    assert shares[2, 3] == mask[32:128, 48:144].mean()


def test_a_slice_too_small_for_a_place_has_none() -> None:
    assert judged_places(flat(-850, 90)).shape == (0, 2)


def test_a_finer_grid_holds_every_place_of_the_coarse_one(phantom: Slice) -> None:
    coarse, fine = ({tuple(place) for place in judged_places(phantom[2], step)} for step in (16, 8))
    assert coarse < fine


def test_the_graph_judges_the_places_that_numpy_says(phantom: Slice) -> None:
    from medfake.training.keras_setup import import_keras

    import_keras(0)
    from medfake.detectors.forensic.layers import LungShare
    from medfake.detectors.layers import Hounsfield

    for hu in (*phantom, phantom[2][:191, 100:300]):
        graph = np.asarray(LungShare()(Hounsfield()(hu[None])))[0, :, :, 0]
        shares = place_shares(lung_pixels(hu))
        np.testing.assert_allclose(graph, shares, atol=1e-3)  # float32 against float64: a pixel or two
        near = np.abs(shares - LEAST_LUNG_IN_PLACE) <= 1e-3
        np.testing.assert_array_equal(graph[~near] >= LEAST_LUNG_IN_PLACE, shares[~near] >= LEAST_LUNG_IN_PLACE)


SAMPLE = Path(__file__).resolve().parents[1].parent / "shared" / "ct-sample"


@pytest.mark.skipif(not SAMPLE.exists(), reason="the local sample of real CT is not beside the project")
def test_real_lungs_are_judged_and_the_air_around_the_body_is_not() -> None:
    found, _ = find_series(SAMPLE)
    for series in found:
        hu = read_volume(series.headers[len(series.headers) // 2 :][:1])[0]
        assert len(judged_places(hu)) > 40
        assert not lung_pixels(hu)[:20].any()
