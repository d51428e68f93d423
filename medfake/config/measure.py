"""Blocks of params.yaml that say what a stored package is measured on, beside the data set that it learnt from."""

from typing import Annotated

from pydantic import Field

from medfake.config.datasets import Identifiers, SourceParams
from medfake.config.paths import FromRoot
from medfake.config.section import Name, Section


class MeasureParams(Section):
    """A package and scans that it has not learnt from."""

    package: Annotated[str, FromRoot(of_experiment=True)] = Field(
        description="folder of a package: detector.onnx and card.json"
    )
    fakes: SourceParams = Field(description="scans with labelled sites")
    reals: SourceParams = Field(
        description="untouched scans; the same as fakes where there are no others: then sites are measured within "
        "their slices alone, unless that source has real scans, too"
    )
    identifiers: Identifiers
    perturbations: list[Name] | None = Field(
        default=None, description="what slices go through, each measured by itself; null for all, [] for none"
    )
    seed: int = Field(default=1, ge=0, description="of noise and of the random control")
    pictures: bool | None = Field(
        default=None, description="slices on the page; null: those of public sets, none of own patients"
    )
