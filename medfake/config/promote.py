"""The block of params.yaml that says what a version has to reach before it may become champion."""

from typing import Annotated, Literal

from pydantic import Field

from medfake.config.section import ChoosingMetric, Fraction, Positive, Section


class PromoteParams(Section):
    """Floors and ceilings of the gates; what a gate says of a version names the one that it asked for."""

    metrics: dict[ChoosingMetric, Annotated[float, Field(ge=0, le=1)]] = Field(
        default={"auc": 0.6}, description="least figures of the validation slices; {} for none"
    )
    patients: int = Field(
        default=5, ge=1, description="fewest validation patients: intervals over fewer are a hint and no more"
    )
    calibration_error: Fraction | None = Field(
        default=0.2, description="highest expected calibration error of the validation slices; null for any"
    )
    robustness_drop: Fraction | None = Field(
        default=0.25, description="most AUC that perturbations may take from it on average; null for any"
    )
    size_mb: Positive = Field(default=500.0, description="most megabytes (10^6 bytes) of its graphs")
    slice_ms: Positive = Field(default=5000.0, description="most milliseconds a slice on the machine that promotes")
    load_s: Positive = Field(default=120.0, description="most seconds to load and answer in a process of its own")
    unmeasured: Literal["tell", "refuse"] = Field(
        default="tell",
        description="what gates do that have nothing to go by, as with a version that was trained elsewhere",
    )
