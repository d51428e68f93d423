"""The rule of lung, by hand and against the graph."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.lungs import (
    LEAST_DEEP_LUNG_CM2,
    LEAST_LUNG_IN_PLACE,
    _convex_hull,
    deep_lung_cm2,
    judged_places,
    lung_in_view,
    lung_pixels,
    place_shares,
)
from medfake.phantom import write_patient
from tests.fixtures.bodies import BODIES, chest

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
    assert judged_places(lung_pixels(image)).tolist() == [[48, 48]]
    image[23] = 40
    assert judged_places(lung_pixels(image)).tolist() == []


def test_places_are_the_windows_of_96_px_that_fit() -> None:
    mask = np.random.default_rng(1).random((130, 161)) < 0.4
    shares = place_shares(mask)
    assert shares.shape == (3, 5)
    assert shares[2, 3] == mask[32:128, 48:144].mean()


def test_a_slice_too_small_for_a_place_has_none() -> None:
    assert judged_places(lung_pixels(flat(-850, 90))).shape == (0, 2)


def test_a_finer_grid_holds_every_place_of_the_coarse_one(phantom: Slice) -> None:
    coarse, fine = ({tuple(place) for place in judged_places(lung_pixels(phantom[2]), step)} for step in (16, 8))
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
        assert len(judged_places(lung_pixels(hu))) > 40
        assert not lung_pixels(hu)[:20].any()


@pytest.mark.parametrize("part", ["HEAD", "NECK", "ABDOMEN"])
@pytest.mark.parametrize("seed", range(3))
def test_no_lung_is_in_view_elsewhere(part: str, seed: int) -> None:
    draw, spacing_mm = BODIES[part]
    hu = draw(spacing_mm, seed)
    assert deep_lung_cm2(hu, spacing_mm) < LEAST_DEEP_LUNG_CM2 / 2
    assert not lung_in_view(hu, spacing_mm)


@pytest.mark.parametrize("hu", [-1024, -1000, -850, 0, 40])
def test_no_lung_is_in_view_where_all_is_alike(hu: int) -> None:
    assert deep_lung_cm2(flat(hu), 0.7) == 0


@pytest.mark.parametrize("spacing_mm", [0.7, 0.9, 1.4])
def test_the_lungs_of_a_chest_are_in_view_at_any_field_of_view(spacing_mm: float) -> None:
    assert deep_lung_cm2(chest(spacing_mm), spacing_mm) > 10  # at 0.7 mm the border cuts them open


def test_the_phantoms_lungs_are_in_view(phantom: Slice) -> None:
    assert all(lung_in_view(hu, 0.7) for hu in phantom)


def test_lung_counts_from_six_millimetres_on_whatever_the_size_of_a_pixel() -> None:
    for spacing_mm, edge in ((1.0, 40), (0.5, 80)):
        image = flat(40, 3 * edge)
        image[edge : 2 * edge, edge : 2 * edge] = -850
        assert deep_lung_cm2(image, spacing_mm) == pytest.approx(2.8**2, rel=0.15)


@pytest.mark.parametrize(("edge_px", "seen"), [(24, False), (40, True)])
def test_a_small_piece_of_lung_is_not_in_view(edge_px: int, seen: bool) -> None:
    image = flat(40, 160)
    image[60 : 60 + edge_px, 60 : 60 + edge_px] = -850
    assert lung_in_view(image, 1.0) == seen


REALS = SAMPLE.with_name("ct-reals")
ELSEWHERE = {  # belly and pelvis, and one slice with a rim of lung; their headers say CHEST or LUNG
    *("TCGA-17-Z050/002.dcm", "TCGA-17-Z053/003.dcm", "TCGA-17-Z062/001.dcm"),
    *("TCGA-60-2722/001.dcm", "TCGA-60-2724/001.dcm", "TCGA-92-7340/001.dcm"),
}


@pytest.mark.skipif(not REALS.exists(), reason="the local sample of real CT is not beside the project")
def test_real_bellies_and_pelves_show_no_lung_and_real_chests_do() -> None:
    found, _ = find_series(REALS)
    unseen = {
        f"{header.path.parent.name}/{header.path.name}"
        for series in found
        for header in series.headers
        if not lung_in_view(read_volume([header])[0], header.spacing_mm[0])
    }
    assert unseen == ELSEWHERE


def test_the_hull_of_a_body_is_what_scikit_image_says() -> None:
    from skimage.morphology import convex_hull_image

    rng = np.random.default_rng(3)
    for _ in range(50):
        mask = np.zeros((40, 33), bool)
        mask[rng.integers(3, 37, 30), rng.integers(3, 30, 30)] = True
        np.testing.assert_array_equal(_convex_hull(mask), convex_hull_image(mask, offset_coordinates=False))


def test_the_hull_of_one_pixel_is_that_pixel() -> None:
    mask = np.zeros((5, 6), bool)
    mask[2, 3] = True
    np.testing.assert_array_equal(_convex_hull(mask), mask)
