"""The fixed filters of the front."""

import numpy as np

from medfake.detectors.dense.filters import EDGE_PX, FINEST, NAMES, SKEWED, filter_bank


def test_every_filter_has_mean_zero_and_unit_norm() -> None:
    bank = filter_bank()
    assert bank.shape == (EDGE_PX, EDGE_PX, 1, len(NAMES))
    np.testing.assert_allclose(bank.sum(axis=(0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(np.square(bank).sum(axis=(0, 1, 2)), 1, atol=1e-6)


def test_no_two_filters_are_alike() -> None:
    flat = filter_bank().reshape(-1, len(NAMES))
    assert np.abs(flat.T @ flat - np.eye(len(NAMES))).max() < 0.99


def test_the_channels_that_are_cut_out_are_the_named_ones() -> None:
    assert NAMES[FINEST] == ("square 3", "band 0.55-0.9 px", "band 0.9-1.4 px")
    assert NAMES[SKEWED] == ("band 0.9-1.4 px", "band 1.4-2.1 px")
