"""The `grid` of a detector's block in params.yaml: values that a training tries itself."""

from abc import abstractmethod
from itertools import product
from typing import Any, Self

from pydantic import Field, model_validator

from medfake.by_name import did_you_mean
from medfake.config import Section


class GridOptions(Section):
    """Options of detectors that search a grid over folds of patients (Solaiyappan and Wen, section 2).

    Attributes:
        folds: Of the patients of the train and val split, for the grid search.
        grid: Values to try, by the name of another option, every combination; empty for no search.
    """

    folds: int = Field(default=5, ge=2)
    grid: dict[str, list[Any]] = Field(default_factory=dict)

    @classmethod
    @abstractmethod
    def searchable(cls) -> list[str]:
        """Names of the options that a grid may vary, sorted."""

    @model_validator(mode="after")
    def _grid_is_of_options(self) -> Self:
        own = self.searchable() if self.grid else []
        for name, values in self.grid.items():
            if name not in own:
                message = f"grid names {name!r}{did_you_mean(name, own)}; it may vary {', '.join(own)}"
                raise ValueError(message)
            if not values:
                message = f"grid gives {name!r} no value to try"
                raise ValueError(message)
        if self.grid:
            self.candidates()
        return self

    def candidates(self) -> list[Self]:
        """The options with every combination of the grid's values, validated; the options themselves without a grid."""
        plain = self.model_dump(exclude={"grid"})
        combinations = product(*self.grid.values())
        return [type(self).model_validate(plain | dict(zip(self.grid, one, strict=True))) for one in combinations]
