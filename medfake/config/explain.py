"""The block of params.yaml that says how trained detectors are explained."""

from typing import Any

from pydantic import Field, model_validator

from medfake.config.section import Name, Positive, Section


class OcclusionParams(Section):
    """Squares that are covered one after the other, to see what the detector says without them."""

    patch_mm: Positive = Field(default=24.0, description="edge of a square")
    stride_mm: Positive = Field(default=12.0, description="between neighbouring squares")
    copies: int = Field(
        default=400, ge=16, description="most covered copies of a slice; squares grow and move apart where it is more"
    )


class ExplainParams(Section):
    """What detectors look at, on test slices that were manipulated."""

    slices: int = Field(
        default=12,
        ge=0,
        description="most slices of a data set, spread over patients, the same for all detectors; 0, or false for the "
        "whole block, leaves explanations out",
    )
    method: Name | None = Field(
        default=None, description="grad-cam, occlusion or own-map; null for what fits each detector best"
    )
    curves: bool = Field(default=True, description="insertion and deletion curves, 22 scored copies a slice")
    occlusion: OcclusionParams = OcclusionParams()
    seed: int = Field(default=1, ge=0, description="of the choice of slices and of random maps")
    pictures: bool | None = Field(
        default=None, description="a gallery; null: of slices of public sets, none of own patients"
    )

    @model_validator(mode="before")
    @classmethod
    def _false_is_none(cls, values: Any) -> Any:
        return {"slices": 0} if values is False else values
