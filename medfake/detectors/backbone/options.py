"""Options of backbones, as they stand under `detectors.<name>` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medfake.config import Positive, Section
from medfake.config.paths import FromRoot
from medfake.detectors.grid_options import GridOptions
from medfake.training.adversarial import Adversarial
from medfake.training.precision import Precision, refuse_lost_gradients

Epochs = Annotated[int, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class FineTune(Section):
    """Second phase: the backbone unfrozen; BatchNorm is kept in inference, but for networks from scratch."""

    epochs: Epochs = 20
    learning_rate: Positive = 1e-5


class BackboneOptions(GridOptions):
    """Two-phase training of an image network; defaults of Alsabbagh and Al-Kadi (section 4), the window is ours.

    Attributes:
        weights: "imagenet", the path of a weights file, or "none": frozen random ones, or a network from scratch where
            there is a second phase.
        input_size: Edge in px that the graph resizes slices to; 512 leaves native slices alone.
        window_hu: Values that become black and white.
        head: Widths of the dense layers between pooling and the output.
        output: "sigmoid" for one probability, "softmax" for one a class, two or three as the data set has.
        beta_1: Of Adam, in both phases.
        beta_2: Likewise.
        calibration: "temperature" divides logits by one number that validation slices choose (Guo et al. 2017).
        precision: Of the second phase: mixed ones compute in half precision, "mixed" in the one that the hardware is
            quick in; weights, head and loss stay in single.
        folds: Of patients, for the grid search.
        grid: What is tried of the first phase, on frozen features, before both phases are trained with what was best.
        adversarial: Part of every batch of the second phase is attacked; null for none.
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
    precision: Precision = "float32"
    fine_tune: FineTune = FineTune()
    adversarial: Adversarial | None = None

    @model_validator(mode="after")
    def _pixels_are_learnt_from(self) -> "BackboneOptions":
        if self.adversarial is None:
            return self
        if self.fine_tune.epochs == 0:
            message = "adversarial needs fine_tune.epochs above 0: a head on stored features never sees a pixel"
            raise ValueError(message)
        refuse_lost_gradients(self.adversarial, self.precision)
        return self

    @property
    def from_scratch(self) -> bool:
        """Whether all of a random network is trained: then its seed draws its weights, and its BatchNorm learns."""
        return self.weights == "none" and self.fine_tune.epochs > 0

    @classmethod
    def searchable(cls) -> list[str]:
        """What only the first phase depends on: features stay as they are."""
        return ["batch_size", "beta_1", "beta_2", "epochs", "head", "learning_rate"]
