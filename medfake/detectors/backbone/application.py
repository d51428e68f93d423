"""Networks of keras.applications without their top, the input taken as it comes."""

from typing import Any


def application(name: str, input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Build a network of keras.applications.

    Args:
        name: Of its function there.
        input_shape: (rows, cols, 3).
        weights: A no-top weights file, None for random weights.

    Returns:
        Keras model, (slices, rows, cols, 3) in the range of its contract -> maps.
    """
    import keras

    return getattr(keras.applications, name)(input_shape=input_shape, include_top=False, weights=weights)
