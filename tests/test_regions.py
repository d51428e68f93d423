"""Where detectors of each modality look."""

import numpy as np
import pytest

from medfake.lungs import lungs_in_slice
from medfake.regions import region_of
from medfake.vocabulary import Modality
from tests.fixtures.bodies import chest


def test_ct_looks_at_lungs() -> None:
    region, hu = region_of(Modality.CT), chest(0.7, 1)
    assert (region.name, region.finds_copies) == ("lung", True)
    assert region.in_view(hu, 0.7)
    assert not region.in_view(np.full((128, 128), 40, np.int16), 0.7)
    np.testing.assert_array_equal(region.in_slice(hu, 0.7), lungs_in_slice(hu, 0.7))


@pytest.mark.parametrize("modality", [Modality.MR, Modality.XRAY])
def test_others_look_at_whatever_is_no_open_air(modality: Modality) -> None:
    region = region_of(modality)
    units = np.random.default_rng(0).normal(-960, 40, (96, 96)).astype(np.int16)
    units[20:70, 30:80] = 300
    units[40:50, 50:60] = -980  # a ventricle
    mask = region.in_slice(units, 1.0)
    assert region.in_view(units, 1.0)
    assert mask[22:68, 32:78].all()
    assert not mask[[*range(15), *range(75, 96)]].any()
    assert not region.finds_copies


def test_air_alone_holds_no_tissue() -> None:
    assert not region_of(Modality.MR).in_slice(np.full((32, 32), -1000, np.int16), 1.0).any()
