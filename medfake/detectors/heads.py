"""Dense layers on a backbone, and the whole graph from Hounsfield units to P(tampered)."""

from typing import Any

from medfake.detectors.options import BackboneOptions


def build_head(feature_width: int, widths: tuple[int, ...]) -> Any:
    """Dense layers and a sigmoid (Alsabbagh and Al-Kadi, figure 2: 512, 256, 1).

    Returns:
        Keras model (slices, feature_width) -> (slices, 1).
    """
    import keras
    from keras import layers

    dense = [layers.Dense(width, activation="relu") for width in widths]
    return keras.Sequential(
        [layers.Input((feature_width,)), *dense, layers.Dense(1, activation="sigmoid")], name="head"
    )


def assemble(backbone: Any, head: Any, options: BackboneOptions, contract: str) -> tuple[Any, Any, Any]:
    """Put window, backbone, pooling and head into one graph.

    Returns:
        The detector, (slices, rows, cols) int16 HU -> {"p_tampered": (slices,)}; its part up to pooled features;
        and its part up to what the backbone takes.
    """
    import keras
    from keras import layers

    from medfake.detectors.layers import Hounsfield, Window

    hu = layers.Input((None, None), dtype="int16", name="hu")
    low, high = options.window_hu
    image = Window(low, high, options.input_size, contract)(Hounsfield()(hu))
    pooled = layers.GlobalAveragePooling2D()(backbone(image, training=False))
    p_tampered = layers.Reshape(())(head(pooled))
    return keras.Model(hu, {"p_tampered": p_tampered}), keras.Model(hu, pooled), keras.Model(hu, image)
