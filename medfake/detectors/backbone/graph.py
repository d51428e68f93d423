"""Dense layers on a backbone, and the whole graph from Hounsfield units to P(tampered)."""

from typing import Any

from medfake.detectors.backbone.options import BackboneOptions


def build_head(feature_width: int, widths: tuple[int, ...], classes: int = 0) -> Any:
    """Dense layers and their output.

    Alsabbagh and Al-Kadi (figure 2) print 512, 256 and a sigmoid; Solaiyappan and Wen (section 2) 10 and a softmax.

    Args:
        feature_width: Channels after pooling.
        widths: Of the dense layers with ReLU.
        classes: 0 for one sigmoid, else as many outputs of a softmax; the first is "untampered".

    Returns:
        Keras model (slices, feature_width) -> (slices, 1 or classes).
    """
    import keras
    from keras import layers

    dense = [layers.Dense(width, activation="relu") for width in widths]
    out = [layers.Dense(classes or 1, name="logits"), layers.Activation("softmax" if classes else "sigmoid")]
    return keras.Sequential([layers.Input((feature_width,)), *dense, *out], name="head")


def build_logits(head: Any) -> Any:
    """A head without its last squashing: (slices, feature_width) -> (slices, 1 or classes), weights shared."""
    import keras

    return keras.Sequential([keras.layers.Input(head.input_shape[1:]), *head.layers[:-1]], name="logits_of_head")


def build_extractor(backbone: Any, options: BackboneOptions, contract: str) -> tuple[Any, Any]:
    """Put window, backbone and pooling into one graph.

    Returns:
        (slices, rows, cols) int16 HU -> (slices, feature_width) float32; and its part up to what the backbone takes.
    """
    import keras
    from keras import layers

    from medfake.detectors.layers import Hounsfield, Window

    hu = layers.Input((None, None), dtype="int16", name="hu")
    low, high = options.window_hu
    # in single precision whatever the rest computes in: bfloat16 knows but every eighth HU of bone
    real = Hounsfield(dtype="float32")(hu)
    image = Window(low, high, options.input_size, contract, dtype="float32")(real)
    pooled = layers.GlobalAveragePooling2D(dtype="float32", name="pooled")(backbone(image, training=False))
    return keras.Model(hu, pooled, name="extractor"), keras.Model(hu, image)


def build_detector(extractor: Any, head: Any, temperature: float = 1.0) -> Any:
    """The whole graph.

    Args:
        extractor: From `build_extractor`.
        head: From `build_head`; weights are shared with both.
        temperature: Logits are divided by it before they are squashed, > 0.

    Returns:
        (slices, rows, cols) int16 HU -> {"p_tampered": (slices,), "embedding": (slices, width)}, the latter what the
        last layer of the head is given; with more than two classes also "p_classes", (slices, classes).
    """
    import keras

    return keras.Model(extractor.input, _named(extractor.output, head, temperature))


def build_top(head: Any, temperature: float = 1.0) -> Any:
    """The part of the whole graph after pooling: (slices, feature_width) -> the outputs of `build_detector`."""
    import keras

    features = keras.layers.Input(head.input_shape[1:], name="features")
    return keras.Model(features, _named(features, head, temperature))


def _named(features: Any, head: Any, temperature: float) -> dict[str, Any]:
    from keras import layers, ops

    *dense, to_logits, squash = head.layers
    embedding = features
    for layer in dense:
        embedding = layer(embedding)
    logits = to_logits(embedding)
    if temperature != 1.0:
        logits = layers.Rescaling(1 / temperature, name="temperature")(logits)
    output = squash(logits)
    embedding = layers.Identity(name="embedding")(embedding)
    classes = output.shape[-1]
    if classes == 1:
        return {"p_tampered": layers.Reshape(())(output), "embedding": embedding}
    named = {"p_tampered": ops.sum(output[:, 1:], axis=-1), "embedding": embedding}
    return named | ({"p_classes": output} if classes > 2 else {})
