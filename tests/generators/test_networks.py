"""Shapes of both networks, and what the class and the noise change."""

import numpy as np
import pytest

from medfake.generators.networks import build_discriminator, build_generator
from medfake.training.keras_setup import import_keras

keras = import_keras(1)


@pytest.mark.parametrize("size", [64, 128, 256])
def test_noise_and_class_become_a_slice_and_a_slice_becomes_a_logit(size: int) -> None:
    generator, discriminator = build_generator(size, 2, 5), build_discriminator(size, 2)
    nodule = np.array([[0], [1], [1]], np.int32)
    made = np.asarray(generator([np.zeros((3, 5), np.float32), nodule], training=False))
    assert made.shape == (3, size, size, 1)
    assert np.abs(made).max() <= 1
    assert np.asarray(discriminator([made, nodule], training=False)).shape == (3, 1)


def test_strides_divide_kernels_so_that_no_chequerboard_is_left() -> None:
    layers = [one for one in build_generator(64, 2, 5).layers if isinstance(one, keras.layers.Conv2DTranspose)]
    assert len(layers) == 4
    assert all(kernel % stride == 0 for one in layers for kernel, stride in zip(one.kernel_size, one.strides))  # noqa: B905


def test_channels_double_at_every_halving_up_to_eight_times() -> None:
    layers = [one for one in build_discriminator(256, 4).layers if isinstance(one, keras.layers.Conv2D)]
    assert [one.filters for one in layers] == [4, 8, 16, 32, 32, 32]
