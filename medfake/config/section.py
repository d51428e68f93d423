"""What every block of params.yaml has in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Word = Field(strict=False)  # of an enum: written as text in params.yaml
Positive = Annotated[float, Field(gt=0)]
ChoosingMetric = Literal["auc", "h", "accuracy", "f1"]
"""Of the validation split; what decides between trainings."""


class Section(BaseModel):
    """A block of params.yaml: unknown keys are refused, values are never coerced from text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
