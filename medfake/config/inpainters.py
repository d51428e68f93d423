"""Blocks of params.yaml that say what learned inpainters are trained on, and how long."""

from typing import Annotated, Literal

from pydantic import Field

from medfake.config.datasets import Identifiers
from medfake.config.paths import FromRoot
from medfake.config.section import Positive, Section


class InpainterParams(Section):
    """What inpainters of all kinds have in common."""

    seed: int = Field(ge=0)
    reals: Annotated[list[str], FromRoot(of_experiment=True)] = Field(
        min_length=1, description="folders of real scans, the more patients the better"
    )
    identifiers: Identifiers = Field(description="of patients, as for a data set")
    places: int = Field(default=1500, ge=8, description="that it learns from, in all; patients have equal parts")
    width: int = Field(default=16, ge=2, description="channels of the first layer")


class GanParams(InpainterParams):
    """A conditional 3-D GAN that fills the middle of cubes, for gan-injection and gan-removal."""

    kind: Literal["gan-3d"]
    steps: int = Field(default=300, ge=1, description="minutes on two CPU cores; more on a GPU")
    batch_size: int = Field(default=4, ge=2)
    learning_rate: Positive = 1.0e-3


class VaeParams(InpainterParams):
    """A conditional 2-D VAE that fills soft shapes of slices, for vae-fill and vae-nodule."""

    kind: Literal["vae-2d"]
    steps: int = Field(default=800, ge=1, description="minutes on two CPU cores; more on a GPU")
    batch_size: int = Field(default=16, ge=2)
    learning_rate: Positive = 1.0e-3


AnyInpainter = Annotated[GanParams | VaeParams, Field(discriminator="kind")]
