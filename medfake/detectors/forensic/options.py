"""Options of the forensic detector, as they stand under `detectors.ResidualCNN` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medfake.config import Positive, Section
from medfake.training.adversarial import Adversarial
from medfake.training.precision import Precision, refuse_lost_gradients


class ResidualCNNOptions(Section):
    """Patches around sites and matched places, through fixed high-pass filters.

    Attributes:
        presentations: Patches shown in training, all epochs together.
        validate_every: Presentations between two looks at the validation patches.
        top_places: Strongest lung places that are averaged into a slice's score.
        adversarial: Part of every batch is attacked; null for none. Clean patches validate either way.
        precision: Of the convolutions: mixed ones compute in half precision, "mixed" in the one that the hardware is
            quick in; residuals, judge and loss stay in single.
        calibration: What validation slices fit: Platt's a and b, or one temperature (Guo et al. 2017).
    """

    presentations: int = Field(default=9000, ge=64)
    batch_size: int = Field(default=32, ge=2)
    learning_rate: Positive = 2e-3
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.02
    validate_every: int = Field(default=960, ge=32)
    jitter_px: int = Field(default=8, ge=0)
    top_places: int = Field(default=4, ge=1)
    adversarial: Adversarial | None = None
    precision: Precision = "float32"
    calibration: Literal["platt", "temperature"] = "platt"

    @model_validator(mode="after")
    def _pixels_have_gradients(self) -> "ResidualCNNOptions":
        refuse_lost_gradients(self.adversarial, self.precision)
        return self
