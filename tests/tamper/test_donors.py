"""Where tissue to paste comes from."""

import numpy as np
import pytest

from medfake.tamper.block import Block
from medfake.tamper.donors import Wanted, donor_box
from medfake.tamper.site import Site
from tests.tamper.conftest import NODULE, SPACING

PLACE = Site(12, 124, 184)


def donor(volume: np.ndarray, wanted: Wanted, seed: int) -> np.ndarray:
    block = Block.cut(volume, SPACING, PLACE)
    return volume[donor_box(volume, block, wanted, np.random.default_rng(seed))]


@pytest.mark.parametrize("seed", range(6))
def test_bright_tissue_is_solid_though_there_is_but_one_place_of_it(seed: int, chest: np.ndarray) -> None:
    y, x = np.ogrid[:256, :256]
    chest[:, ((y - NODULE[1]) ** 2 + (x - NODULE[2]) ** 2) * 1.4**2 <= 25] = 30
    taken = donor(chest, Wanted.BRIGHT, seed)
    _, rows, cols = taken.shape
    assert taken[:, rows // 2 - 3 : rows // 2 + 4, cols // 2 - 3 : cols // 2 + 4].max() > -100


@pytest.mark.parametrize("seed", range(6))
def test_dark_tissue_brings_no_wall_of_the_chest_though_that_would_fit_the_mean(seed: int, chest: np.ndarray) -> None:
    """Lung around the place is brighter than elsewhere, as lung with a fifth of wall is."""
    around = chest[:, 105:144, 165:204]
    around[around < -500] += 170
    assert (donor(chest, Wanted.DARK, seed) < -500).mean() > 0.75
