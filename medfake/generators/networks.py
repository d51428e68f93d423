"""The two networks of a DCGAN (Radford et al. 2016), told which class a slice is to have.

Strides divide the width of kernels, 4 by 2, so that every pixel is reached by as many weights (Odena et al. 2016); the
mean of neighbouring pixels behind every transposed convolution takes away the chequerboard that is left.
"""

from typing import Any, Final

SMALLEST_MAP: Final = 4
"""Rows and columns of the first map of the generator and the last of the discriminator."""
CLASSES: Final = 2
_KERNEL = 4
_SLOPE = 0.2
_LEAST_VARIANCE = 1e-8  # a root at 0 has no derivative
_WIDEST = 8  # times the width: more is slow and learns no more from hundreds of slices
_EMBEDDING = 16  # numbers that a class becomes
_BATCH_MOMENTUM: Final = 0.9
_DEVIATION = 0.02  # of first weights, as DCGANs have it


def build_generator(size: int, width: int, latent: int) -> Any:
    """Strided transposed convolutions with BatchNorm and LeakyReLU, tanh at the end.

    Args:
        size: Rows and columns of a slice: 64, 128 or 256.
        width: Channels at half of that size; twice as many at every halving, up to eight times.
        latent: Normal numbers that a slice is made of.

    Returns:
        Keras model: noise (n, latent) float32, nodule (n, 1) int32 0 or 1 -> (n, size, size, 1) float32, -1..1.
    """
    import keras
    from keras import layers, ops

    noise = keras.Input((latent,), name="noise")
    nodule = keras.Input((1,), dtype="int32", name="nodule")
    told = ops.squeeze(layers.Embedding(CLASSES, _EMBEDDING)(nodule), 1)
    edge = SMALLEST_MAP
    channels = _channels(size, edge, width)
    x = layers.Dense(edge * edge * channels, use_bias=False, kernel_initializer=_normal())(
        layers.Concatenate()([noise, told])
    )
    x = _activated(layers.Reshape((edge, edge, channels))(x))
    while edge < size:
        edge *= 2
        x = layers.Conv2DTranspose(
            _channels(size, edge, width), _KERNEL, strides=2, padding="same", use_bias=False,
            kernel_initializer=_normal(),
        )(x)  # fmt: skip
        x = _activated(layers.AveragePooling2D(2, strides=1, padding="same")(x))
    made = layers.Conv2D(1, 3, padding="same", activation="tanh", kernel_initializer=_normal())(x)
    return keras.Model([noise, nodule], made, name="generator")


def build_discriminator(size: int, width: int) -> Any:
    """Strided convolutions with BatchNorm and LeakyReLU; the class enters by projection (Miyato and Koyama 2018).

    Args:
        size: As of the generator.
        width: Channels at half of that size.

    Returns:
        Keras model: slice (n, size, size, 1) float32 -1..1, nodule (n, 1) int32 -> (n, 1) logit of being real.
    """
    import keras
    from keras import layers, ops

    given = keras.Input((size, size, 1), name="slice")
    nodule = keras.Input((1,), dtype="int32", name="nodule")
    x, edge = given, size
    while edge > SMALLEST_MAP:
        edge //= 2
        first = edge == size // 2
        x = layers.Conv2D(
            _channels(size, edge, width), _KERNEL, strides=2, padding="same", use_bias=first,
            kernel_initializer=_normal(),
        )(x)  # fmt: skip
        x = layers.LeakyReLU(negative_slope=_SLOPE)(x) if first else _activated(x)
    seen = layers.Flatten()(layers.Concatenate()([x, _spread(x)]))
    told = ops.squeeze(layers.Embedding(CLASSES, int(seen.shape[-1]), embeddings_initializer=_normal())(nodule), 1)
    by_class = ops.sum(seen * told, axis=-1, keepdims=True)
    return keras.Model([given, nodule], layers.Dense(1, kernel_initializer=_normal())(seen) + by_class,
                       name="discriminator")  # fmt: skip


def _spread(x: Any) -> Any:
    """How much the slices of a batch differ, as one more map (Karras et al. 2018): slices that are all alike show."""
    from keras import ops

    apart = ops.mean(ops.sqrt(ops.var(x, axis=0, keepdims=True) + _LEAST_VARIANCE), axis=(1, 2, 3), keepdims=True)
    return ops.ones_like(x[..., :1]) * apart


def _channels(size: int, edge: int, width: int) -> int:
    """Channels of a map of so many rows; half the width where it is as large as the slice."""
    return max(1, min(_WIDEST * width, width * size // (2 * edge)))


def _activated(x: Any) -> Any:
    from keras import layers

    return layers.LeakyReLU(negative_slope=_SLOPE)(layers.BatchNormalization(momentum=_BATCH_MOMENTUM)(x))


def _normal() -> Any:
    import keras

    return keras.initializers.RandomNormal(stddev=_DEVIATION)
