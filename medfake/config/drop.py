"""Blocks of params.yaml that say whose accuracy is measured on deepfakes."""

from pydantic import Field

from medfake.config.section import Name, Section


class DropParams(Section):
    """What the accuracy of detectors of nodules drops to on deepfakes (Shree et al., section V)."""

    dataset: Name = Field(description="of labelling rule nodules")
    generator: Name = Field(description="a key under generators that learnt the same classes of the same scans")
    detectors: list[str] | None = Field(
        default=None, min_length=1, description="of train.detectors, that are trained on the data set; null for all"
    )
    direct: Name | None = Field(
        default=None, description="data set of real and generated slices, whose detectors are set beside; null for none"
    )
