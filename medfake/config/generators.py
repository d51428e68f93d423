"""Blocks of params.yaml that say what generators of whole slices learn from, how long, and how much they make."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medfake.config.section import Name, Positive, Section

_Share = Annotated[float, Field(ge=0, le=0.5)]


class DcganParams(Section):
    """A DCGAN that learns slices of a data set, class by class, and the deepfakes that it then makes."""

    kind: Literal["dcgan"]
    dataset: Name = Field(description="a key under datasets; its train split is learnt from, its val split judges")
    seed: int = Field(ge=0)
    size: Literal[64, 128, 256] = Field(default=128, description="rows and columns; those of the data set's slices")
    latent: int = Field(default=100, ge=2, description="normal numbers that a slice is made of")
    width: int = Field(default=24, ge=2, description="channels at half of the size, doubled at every halving up to 8 x")
    epochs: int = Field(default=200, ge=1)
    batch_size: int = Field(default=16, ge=4)
    generator_rate: Positive = 2.0e-4
    discriminator_rate: Positive = 2.0e-4
    window_hu: tuple[int, int] = Field(
        default=(-1000, 400),
        strict=False,
        description="what is seen of Hounsfield units, as -1..1",
    )
    smoothing: _Share = Field(default=0.1, description="what the target of a real slice is below 1")
    shift: _Share = Field(default=0.125, description="share of the size by which slices move before a look at them")
    cut: _Share = Field(default=0.3, description="share of rows and columns that is blanked of them")
    look_every: int = Field(default=10, ge=1, description="epochs between two looks at samples and their distance")
    images: int = Field(default=500, ge=2, description="deepfakes, half of them of each class")

    @model_validator(mode="after")
    def _window_is_open(self) -> "DcganParams":
        low, high = self.window_hu
        if low >= high:
            message = f"window_hu must rise, but got {low}..{high}"
            raise ValueError(message)
        return self


AnyGenerator = DcganParams
