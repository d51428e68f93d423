"""The noise around blobs, in one form for all flips."""

import numpy as np
import pytest

from medfake.copies.patches import EDGE_PX, FINENESS, FORMS, describe, form_matrix
from tests.fixtures.chests import draw_chest

SPACING_MM = 0.7


@pytest.fixture(scope="module")
def chest() -> np.ndarray:
    """(384, 384) int16 HU, lungs of noise."""
    return np.rint(draw_chest(np.random.default_rng(4), 384)).astype(np.int16)


def test_patches_lie_in_the_lungs_and_their_codes_are_of_unit_length(chest: np.ndarray) -> None:
    patches = describe(chest, SPACING_MM)
    assert len(patches) > 200
    assert patches.code.shape == (len(patches), len(FINENESS))
    assert np.linalg.norm(patches.code, axis=1) == pytest.approx(1, abs=1e-5)
    half = EDGE_PX // 2
    for y, x in patches.at_px:
        assert chest[y - half : y + half + 1, x - half : x + half + 1].mean() < -800


@pytest.mark.parametrize("axis", [0, 1])
def test_a_flipped_slice_has_the_same_codes_at_flipped_places(chest: np.ndarray, axis: int) -> None:
    before, after = describe(chest, SPACING_MM), describe(np.flip(chest, axis), SPACING_MM)
    moved = after.at_px.copy()
    moved[:, axis] = chest.shape[axis] - 1 - moved[:, axis]
    found = {tuple(place): code for place, code in zip(moved.tolist(), after.code, strict=True)}
    shared = [(code, found[tuple(place)]) for place, code in zip(before.at_px.tolist(), before.code, strict=True)
              if tuple(place) in found]  # fmt: skip
    assert len(shared) > 0.9 * len(before)
    cosines = np.array([one @ other for one, other in shared])
    assert np.mean(cosines > 0.99) > 0.9  # where a patch is next to even, rounding decides its form


def test_the_form_says_how_a_patch_was_turned() -> None:
    matrices = [form_matrix(form) for form in range(FORMS)]
    assert len({matrix.tobytes() for matrix in matrices}) == FORMS
    for matrix in matrices:
        assert (matrix @ matrix.T == np.eye(2)).all()
    assert (form_matrix(1) @ [3, 5]).tolist() == [-3, 5]
    assert (form_matrix(2) @ [3, 5]).tolist() == [3, -5]
    assert (form_matrix(4) @ [3, 5]).tolist() == [5, 3]


@pytest.mark.parametrize("hu", [-1024, -850, 40])
def test_a_slice_without_lung_or_without_noise_has_no_patches(hu: int) -> None:
    assert len(describe(np.full((256, 256), hu, np.int16), SPACING_MM)) == 0


def test_lung_whose_values_were_cut_off_has_no_patches(chest: np.ndarray) -> None:
    flat = np.where(chest < -400, -1024, chest).astype(np.int16)
    assert len(describe(flat, SPACING_MM)) == 0
