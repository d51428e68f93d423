"""Blocks of params.yaml that say what banks of manipulated slices are made of."""

from typing import Annotated

from pydantic import Field, field_validator

from medfake.config.datasets import Identifiers
from medfake.config.paths import FromRoot
from medfake.config.section import Name, Positive, Section


class BankParams(Section):
    """Manipulated slices with exact masks, each beside the same slice before."""

    seed: int = Field(ge=0)
    reals: Annotated[list[str], FromRoot(of_experiment=True)] = Field(
        min_length=1, description="folders of real scans of at least 5 patients"
    )
    identifiers: Identifiers = Field(description="of patients, as for a data set")
    slices: int = Field(ge=1, description="forged slices wanted")
    untouched: int = Field(default=12, ge=0, description="untouched slices of a patient at most")
    scanners: float = Field(default=0.5, ge=0, le=1, description="share of forged stacks that a virtual scanner makes")
    manipulations: dict[Name, Positive] = Field(
        min_length=1, description="weights: injection, removal, or what another file of tamper/ registers"
    )
    inpainters: list[Name] = Field(
        default=[], description="names of inpainters, for manipulations that need a learned one"
    )

    @field_validator("reals")
    @classmethod
    def _are_different(cls, folders: list[str]) -> list[str]:
        if len(set(folders)) < len(folders):
            message = f"a folder counts once, but got {folders}"
            raise ValueError(message)
        return folders
