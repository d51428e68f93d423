"""Options of backbones, as they stand under `detectors.<name>` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from medfake.config import Positive, Section
from medfake.config.paths import FromRoot

Epochs = Annotated[int, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class FineTune(Section):
    """Second phase: the backbone unfrozen, BatchNorm kept in inference."""

    epochs: Epochs = 20
    learning_rate: Positive = 1e-5


class BackboneOptions(Section):
    """Two-phase training of an image network; defaults as printed by Alsabbagh and Al-Kadi (section 4).

    Attributes:
        weights: "imagenet", "none" or the path of a weights file.
        input_size: Edge in px that the graph resizes slices to; 512 leaves native slices alone.
        window_hu: Values that become black and white.
        head: Widths of the dense layers between pooling and the output.
        output: "sigmoid" for one probability, "softmax" for one a class, two or three as the data set has.
        beta_1: Of Adam, in both phases.
        beta_2: Likewise.
        calibration: "temperature" divides logits by one number that validation slices choose (Guo et al. 2017).
        precision: Of the second phase: mixed ones compute in half precision and keep weights in single.
    """

    weights: Annotated[str, FromRoot(words=frozenset({"imagenet", "none"}))] = "imagenet"
    input_size: int = Field(default=512, ge=32)
    window_hu: tuple[float, float] = Field(default=(-1350.0, 150.0), strict=False)
    head: tuple[int, ...] = Field(default=(512, 256), strict=False)
    output: Literal["sigmoid", "softmax"] = "sigmoid"
    batch_size: int = Field(default=8, ge=1)
    epochs: Epochs = 80
    learning_rate: Positive = 1e-4
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    calibration: Literal["none", "temperature"] = "none"
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    fine_tune: FineTune = FineTune()
