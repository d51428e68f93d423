"""A stored backbone with its head, cut behind the layer that is registered for Grad-CAM."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.last_maps import LastMaps
from medfake.errors import ManifestError

LOGITS, TEMPERATURE = "logits", "temperature"
"""Layers of `build_detector`, by name."""
_BESIDE = "embedding"  # an output of its own, on no way to the log odds


def cut_backbone(model: Any, layer: str) -> LastMaps:
    """Cut what `build_detector` has built.

    The log odds are taken before the last activation: a probability that has rounded to 1 would have no gradient.

    Args:
        model: Loaded from detector.keras.
        layer: Of the backbone, `gradcam_layer` of its spec.

    Raises:
        ManifestError: The network has no such layer.
    """
    import keras

    before, backbone, behind = _parts(model, layer)
    maps = backbone.get_layer(layer).output
    to_maps = keras.Model(backbone.input, maps)
    to_end = None
    if maps is not backbone.output:  # where a shortcut leads past the layer, the end needs the image, too
        to_end = keras.Model([maps, backbone.input], backbone.output)

    def image_of(hu: NDArray[np.int16]) -> Any:
        image: Any = hu
        for one in before:
            image = one(image)
        return image

    def front(hu: NDArray[np.int16]) -> Any:
        return to_maps(image_of(hu), training=False)

    def logit(values: Any, hu: NDArray[np.int16]) -> Any:
        features = keras.ops.convert_to_tensor(values)
        if to_end is not None:
            features = to_end([features, image_of(hu)], training=False)
        for one in behind:
            features = one(features)
        return _log_odds(features)

    return LastMaps(front, logit)


def _parts(model: Any, layer: str) -> tuple[list[Any], Any, list[Any]]:
    """Layers before the backbone, the backbone, and layers from there to the logits, divided by a temperature."""
    import keras

    beside = (keras.layers.InputLayer,)
    chain = [one for one in model.layers if not isinstance(one, beside) and one.name != _BESIDE]
    names = [one.name for one in chain]
    for at, one in enumerate(chain):
        known = isinstance(one, keras.Model) and any(inner.name == layer for inner in one.layers)
        if known and LOGITS in names[at:]:
            end = names.index(TEMPERATURE if TEMPERATURE in names[at:] else LOGITS)
            return chain[:at], one, chain[at + 1 : end + 1]
    raise ManifestError(
        "this network is not built of a backbone with the layer that is registered for Grad-CAM, and a head",
        where=layer, received=", ".join(names), remedy="explain it by occlusion",
    )  # fmt: skip


def _log_odds(scores: Any) -> Any:
    """Of "tampered": a sigmoid's own, or of all classes but the first of a softmax."""
    from keras import ops

    if scores.shape[-1] == 1:
        return scores[:, 0]
    return ops.logsumexp(scores[:, 1:], axis=-1) - scores[:, 0]
