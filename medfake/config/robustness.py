"""The block of params.yaml that says what test slices go through, and how strongly, to see what detectors lose."""

from pydantic import Field

from medfake.config.section import Name, Section


class RobustnessParams(Section):
    """A grid of perturbations and severities; thresholds stay, and nothing is chosen by what it finds."""

    perturbations: dict[Name, list[float] | None] = Field(
        default={}, description="severities of each, in its own unit; null for its usual ones; {} measures nothing"
    )
    slices: int = Field(
        default=60, ge=4, description="most test slices of a data set, half of them tampered, drawn at random"
    )
    seed: int = Field(default=1, ge=0, description="of the draw and of noise")
