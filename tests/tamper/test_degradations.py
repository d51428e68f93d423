"""Degradations by chance: the matrix and the lungs stay, the texture does not."""

import numpy as np

from medfake.tamper.degradations import degraded
from tests.fixtures.chests import draw_chest


def test_a_degraded_slice_shows_the_same_lungs_with_other_texture() -> None:
    chest = np.clip(np.rint(draw_chest(np.random.default_rng(3))), -1024, 3071).astype(np.int16)
    lung = chest < -700
    seen = [degraded(chest, np.random.default_rng(seed)) for seed in range(24)]
    assert all(one.shape == chest.shape and one.dtype == np.int16 for one in seen)
    assert all((one != chest).any() for one in seen)
    assert all(abs(one[lung].mean() - chest[lung].mean()) < 60 for one in seen)
    assert len({one.tobytes() for one in seen}) == len(seen)


def test_the_same_seed_degrades_alike() -> None:
    hu = np.random.default_rng(0).normal(-850, 30, (96, 96)).astype(np.int16)
    for seed in range(12):
        once, again = (degraded(hu, np.random.default_rng(seed)) for _ in range(2))
        assert once.tobytes() == again.tobytes()
