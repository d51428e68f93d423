"""The block of params.yaml that says how data sets are probed for shortcuts."""

from pydantic import Field

from medfake.config.section import Section


class ProbesParams(Section):
    """What a detector could learn besides the manipulation."""

    seed: int = Field(default=1, ge=0)
    limit: float = Field(
        default=0.1, gt=0, lt=0.5, description="an interval wholly further than this from AUC 0.5 is called a shortcut"
    )
    slices: int = Field(default=600, ge=20, description="most slices of a split that a probe looks at, drawn at random")
    bootstrap: int = Field(default=1000, ge=100, description="resamples over patients")
    permutations: int = Field(default=20, ge=5, description="of the labels, over scans")
    blanked: bool = Field(
        default=False,
        description="score each training of the first seed on its test slices twice more: with the site blanked, and "
        "with another place blanked",
    )
    pictures: bool | None = Field(
        default=None,
        description="slices on the page of a data set; null: those of public sets, none of own patients",
    )
