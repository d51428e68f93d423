"""Blocks of params.yaml that say which detectors are put together."""

from pydantic import Field, field_validator

from medfake.config.section import Positive, Section


class StackParams(Section):
    """Several detectors of one data set and seed, weighted on validation."""

    of: list[str] = Field(
        min_length=2, description="names of detectors; a stack is left out where one is not among train.detectors"
    )
    strength: Positive = Field(
        default=0.01, description="of the penalty that pulls the weights towards equal shares; fitted on log odds"
    )

    @field_validator("of")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"each detector stands once, but got {', '.join(twice)} twice"
            raise ValueError(message)
        return names
