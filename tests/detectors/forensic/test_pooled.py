"""One vector a slice of a ResidualCNN: mean and maximum over places that hold enough lung."""

import numpy as np

from medfake.training.keras_setup import load_keras


def test_places_without_lung_say_nothing_and_a_slice_without_any_is_zeros() -> None:
    load_keras()
    from medfake.detectors.forensic.layers import PooledPlaces

    rng = np.random.default_rng(1)
    features = rng.random((2, 5, 6, 3)).astype(np.float32)
    lung = np.zeros((2, 5, 7, 1), np.float32)  # off the 16 px grid one more place is known of lung
    lung[0, 1, 2], lung[0, 3, 4], lung[0, 0, 0] = 0.3, 0.9, 0.29
    pooled = np.asarray(PooledPlaces(least_lung=0.3)(features, lung))
    here = np.stack([features[0, 1, 2], features[0, 3, 4]])
    np.testing.assert_allclose(pooled[0], np.concatenate([here.mean(axis=0), here.max(axis=0)]), atol=1e-6)
    assert (pooled[1] == 0).all()
