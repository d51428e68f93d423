"""ResidualCNN: is this place foreign to its surroundings, in what is left after fixed high-pass filters?

About 30,000 weights, trained from scratch on patches; the same layers score a whole slice at native resolution.
"""

from typing import Any

from medfake.detectors.forensic.options import ResidualCNNOptions
from medfake.detectors.registry import detector
from medfake.regions import region_of
from medfake.vocabulary import Modality

FAMILY = "forensic"
PATCH_PX = 128  # shown in training; a place in the middle is judged, the rest steadies the noise estimate
_CELL_PX = 4


@detector("ResidualCNN", family=FAMILY, options=ResidualCNNOptions, localises=True)
def build_residual_cnn(top_places: int, modality: Modality = Modality.CT) -> tuple[Any, Any]:
    """Build the network in its two forms, sharing all weights.

    Args:
        top_places: Strongest lung places that make a slice's score; of tissue in other modalities than CT.
        modality: Of the images, see `medfake.regions`.

    Returns:
        The patch model, (patches, 128, 128) int16 HU -> (patches,) logit; and the slice model, (slices, rows, cols)
        int16 HU -> dict of p_tampered, site_y, site_x (px), site_p, and place_logit and place_counts (slices, down,
        across) of places 8 px apart, not calibrated.
    """
    import keras
    from keras import layers

    from medfake.detectors.forensic.layers import NoiseScaledResiduals
    from medfake.detectors.forensic.tissue_layers import FORMS
    from medfake.detectors.layers import Calibration, Hounsfield

    # single precision whatever convolutions compute in: residuals of 1 HU are lost beside 1000 HU in half of it
    hounsfield, residuals = Hounsfield(dtype="float32"), NoiseScaledResiduals(dtype="float32")
    forms, region = FORMS[modality], region_of(modality)
    margin_px, least = (PATCH_PX - region.place_px) // 2, region.least_in_place
    trunk, judge = _trunk(residuals), _judge(forms.against_ring(dtype="float32"))
    patch = layers.Input((PATCH_PX, PATCH_PX), dtype="int16", name="hu")
    maps = layers.Cropping2D(margin_px // _CELL_PX)(trunk(hounsfield(patch)))
    patch_model = keras.Model(patch, layers.Flatten()(judge(maps)))

    hu = layers.Input((None, None), dtype="int16", name="hu")
    image = hounsfield(hu)
    logits, lung = judge(trunk(image)), forms.share()(image)
    slice_logit, y, x, best = forms.strongest(top_places, least, name="places")(logits, lung)
    place_logit, place_counts = forms.of_map(least, name="map")(logits, lung)
    calibration = Calibration(name="calibration")
    outputs = {"p_tampered": calibration(slice_logit), "site_y": y, "site_x": x, "site_p": calibration(best)}
    outputs |= {"place_logit": place_logit, "place_counts": place_counts}
    return patch_model, keras.Model(hu, outputs)


def _trunk(residuals: Any) -> Any:
    """Residuals -> feature maps at stride 4, "same" everywhere so that cells keep their place."""
    import keras
    from keras import layers

    def block(width: int, kernel: int, strides: int = 1) -> list[Any]:
        return [
            layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]

    stack = [*block(24, 4, 2), *block(32, 3), layers.AveragePooling2D(2), *block(48, 3)]
    return keras.Sequential([layers.Input((None, None, 1)), residuals, *stack], name="trunk")


def _judge(centre_against_ring: Any) -> Any:
    import keras
    from keras import layers

    dense = [layers.Conv2D(32, 1, activation="relu", dtype="float32"), layers.Conv2D(1, 1, dtype="float32")]
    return keras.Sequential([layers.Input((None, None, 48)), centre_against_ring, *dense], name="judge")
