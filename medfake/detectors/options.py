"""Options of each family of detectors, as they stand under `detectors.<name>` in params.yaml."""

from itertools import product
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from medfake.by_name import did_you_mean
from medfake.config import Fraction, Section
from medfake.config.paths import FromRoot

Epochs = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
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
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    fine_tune: FineTune = FineTune()


class ResidualCNNOptions(Section):
    """Patches around sites and matched places, through fixed high-pass filters.

    Attributes:
        presentations: Patches shown in training, all epochs together.
        validate_every: Presentations between two looks at the validation patches.
        top_places: Strongest lung places that are averaged into a slice's score.
    """

    presentations: int = Field(default=9000, ge=64)
    batch_size: int = Field(default=32, ge=2)
    learning_rate: Positive = 2e-3
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.02
    validate_every: int = Field(default=960, ge=32)
    jitter_px: int = Field(default=8, ge=0)
    top_places: int = Field(default=4, ge=1)


class PixelOptions(Section):
    """What every classical model on raw pixels takes (Solaiyappan and Wen, section 2).

    Attributes:
        pool: Edge in px of the squares that are averaged first; 1 is the paper's raw pixels.
        folds: Of patients of the train split, for the grid search and for the calibration of models that need one.
        grid: Values to try, by the name of another option of the model, every combination; empty for no search.
    """

    pool: int = Field(default=4, ge=1)
    folds: int = Field(default=5, ge=2)
    grid: dict[str, list[Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _grid_is_of_options(self) -> Self:
        own = sorted(type(self).model_fields.keys() - PixelOptions.model_fields.keys())
        for name in self.grid:
            if name not in own:
                message = f"grid names {name!r}{did_you_mean(name, own)}; it may vary {', '.join(own)}"
                raise ValueError(message)
        if self.grid:
            self.candidates()
        return self

    def candidates(self) -> list[Self]:
        """The options with every combination of the grid's values, validated; the options themselves without a grid."""
        plain = self.model_dump(exclude={"grid"})
        combinations = product(*self.grid.values())
        return [type(self).model_validate(plain | dict(zip(self.grid, one, strict=True))) for one in combinations]


class RandomForestOptions(PixelOptions):
    """A random forest.

    Attributes:
        max_features: "sqrt", "log2" or a share of the pixels looked at in each split.
    """

    trees: int = Field(default=100, ge=1)
    max_depth: int | None = Field(default=None, ge=1)
    max_features: Literal["sqrt", "log2"] | Fraction = "sqrt"


class DecisionTreeOptions(PixelOptions):
    """One tree."""

    max_depth: int | None = Field(default=None, ge=1)
    min_samples_leaf: int = Field(default=1, ge=1)


class SVMOptions(PixelOptions):
    """A support vector machine; probabilities by Platt's sigmoid on held-out folds.

    Attributes:
        kernel: A linear one is stored as a plane; an rbf keeps its support vectors, each as large as a slice.
        c: Inverse strength of the regularisation.
        gamma: Of the rbf kernel: "scale" or a number, for pixels in units of 1000 HU.
    """

    kernel: Literal["linear", "rbf"] = "linear"
    c: Positive = 1.0
    gamma: Literal["scale"] | Positive = "scale"
