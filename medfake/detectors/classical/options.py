"""Options of classical models, as they stand under `detectors.<name>` in params.yaml."""

from itertools import product
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from medfake.by_name import did_you_mean
from medfake.config import Fraction, Positive, Section


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
