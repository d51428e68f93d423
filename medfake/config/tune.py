"""The `tune` block: which options of which detector are searched, and where the search is kept."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from medfake.config.paths import FromRoot
from medfake.config.section import Section

Number = int | float
Objective = Literal["val_loss", "auc", "h", "accuracy", "f1"]
"""What a search wants: the lowest validation loss, or the highest figure on the validation slices."""


class Span(Section):
    """Numbers from low to high; whole ones where both ends are whole and there is no log."""

    low: Number
    high: Number
    log: bool = False
    step: Number | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _ends_are_ordered(self) -> "Span":
        if self.low >= self.high:
            message = f"low must be below high, but got {self.low} and {self.high}"
            raise ValueError(message)
        if self.log and (self.low <= 0 or self.step is not None):
            message = f"a log span begins above 0 and has no step, but got low {self.low}, step {self.step}"
            raise ValueError(message)
        return self


class Choices(Section):
    """A list of values."""

    choices: list[Any] = Field(min_length=1)


class TuneParams(Section):
    """A search for options.

    Attributes:
        space: By detector, then by option; "fine_tune.learning_rate" names an inner one.
    """

    trials: int = Field(default=20, ge=1, description="finished trials, pruned ones included; failed ones do not count")
    objective: Objective = Field(
        default="val_loss", description="val_loss is lowered, a figure of the validation slices is raised"
    )
    seed: int = Field(default=1, ge=0)
    storage: Annotated[str, FromRoot("journal:")] = Field(
        default="journal:.medfake/tune/journal.log", pattern=r"^(journal:|postgresql)",
        description="a journal file, or postgresql+psycopg://... for workers on several machines",
    )  # fmt: skip
    heartbeat_s: int = Field(default=30, ge=1, description="of workers on PostgreSQL; silent three times: given up")
    warm_up: int = Field(default=3, ge=0, description="epochs before a trial may be pruned")
    space: dict[str, dict[str, Span | Choices]] = Field(default_factory=dict)
