import numpy as np
import pytest

from medfake.tamper.noise import local_noise
from medfake.tamper.scanners import VirtualScanner, draw_scanner

LUNG = np.s_[:, 90:160, 50:85]


def scan(chest: np.ndarray, **changes: float) -> np.ndarray:
    return VirtualScanner(**changes).apply(chest, np.random.default_rng(1))  # type: ignore[arg-type]


def noise(volume: np.ndarray) -> float:
    return local_noise(volume[LUNG].astype(np.float32))


def test_a_scanner_that_does_nothing_changes_nothing(chest: np.ndarray) -> None:
    np.testing.assert_array_equal(scan(chest), chest)


def test_averaging_makes_fewer_thicker_slices_with_less_noise(chest: np.ndarray) -> None:
    after = scan(chest, averaged=4)
    assert after.shape == (6, 256, 256)
    assert VirtualScanner(averaged=4).spacing((1.0, 0.7, 0.7)) == (4.0, 0.7, 0.7)
    assert noise(after) == pytest.approx(noise(chest) / 2, rel=0.1)


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_zoom_keeps_rows_and_columns_and_says_its_spacing(factor: float, chest: np.ndarray) -> None:
    after = scan(chest[12:13], zoom=factor)
    assert after.shape == (1, 256, 256)
    assert VirtualScanner(zoom=factor).spacing((1.0, 0.6, 0.6))[1] == pytest.approx(0.6 / factor)
    body = [(plane > -200).sum() for plane in (chest[12], after[0])]
    assert body[1] / body[0] == pytest.approx(min(factor**2, 256**2 / body[0]), rel=0.1)


def test_a_softer_kernel_has_less_noise_and_a_sharper_one_more(chest: np.ndarray) -> None:
    assert noise(scan(chest[:2], cut=0.3)) < 0.6 * noise(chest) < noise(chest) < noise(scan(chest[:2], gain=1.0))


def test_added_noise_is_of_the_native_level(chest: np.ndarray) -> None:
    added = scan(chest[:2], noise=1.0).astype(np.float32) - chest[:2]
    assert added.std() == pytest.approx(noise(chest), rel=0.25)


def test_only_thin_slices_are_averaged() -> None:
    drawn = [draw_scanner(np.random.default_rng(seed), 5.0, 30) for seed in range(30)]
    assert {one.averaged for one in drawn} == {1}
    thin = [draw_scanner(np.random.default_rng(seed), 1.0, 30) for seed in range(30)]
    assert {one.averaged for one in thin} >= {1, 2, 5}


def test_every_drawn_scanner_does_something_and_says_what() -> None:
    assert all(draw_scanner(np.random.default_rng(seed), 1.0, 1).word for seed in range(50))
