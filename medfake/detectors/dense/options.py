"""Options of dense detectors, as they stand under `detectors.ResidualStatistics` in params.yaml."""

from typing import Annotated

from pydantic import Field, field_validator

from medfake.config import Positive, Section
from medfake.config.paths import FromRoot


class ResidualStatisticsOptions(Section):
    """A small judge of texture statistics, learnt from a bank of manipulated slices.

    Attributes:
        bank: Folder that the stage `bank` wrote.
        rounds: Trainings one after the other, each on places of its own draw; the judges of all are averaged. With one
            round, however many members it has, the seed makes as much of a difference as a good idea does.
        members: Judges of a round; they differ in where they began.
        epochs: Of each round.
        places: Shown an epoch, half of them tampered.
        widths: Of the judge's hidden layers.
        noise: Deviation of noise added to standardised features in training.
        decay: L2 on the kernels.
        hard_from: Epoch of a round from which on half of the untouched places are the hardest of some slices.
        hard_every: Epochs between two looks for them.
        hard_slices: Slices, by chance, in which they are looked for.
        hard_places: Of each.
        without: Families of manipulations, or single ones, that are left out of training, to be measured on what was
            never seen.
        without_scanners: Makers whose scans are left out, likewise.
    """

    bank: Annotated[str, FromRoot(of_experiment=True)] = "data/banks/real"
    rounds: int = Field(default=3, ge=1)
    members: int = Field(default=3, ge=1)
    epochs: int = Field(default=20, ge=1)
    places: int = Field(default=16000, ge=64)
    batch_size: int = Field(default=256, ge=2)
    learning_rate: Positive = 2e-3
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.02
    widths: tuple[int, ...] = Field(default=(128, 64), strict=False)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    noise: Annotated[float, Field(ge=0)] = 0.1
    decay: Annotated[float, Field(ge=0)] = 1e-4
    hard_from: int = Field(default=3, ge=1)
    hard_every: int = Field(default=3, ge=1)
    hard_slices: int = Field(default=700, ge=1)
    hard_places: int = Field(default=4, ge=1)
    without: tuple[str, ...] = Field(default=(), strict=False)
    without_scanners: tuple[str, ...] = Field(default=(), strict=False)
    adversarial: None = Field(default=None, exclude=True, description="of networks of pixels; here it is refused")

    @field_validator("adversarial", mode="before")
    @classmethod
    def _features_have_no_pixels(cls, asked: object) -> None:
        if asked is not None:
            message = (
                "ResidualStatistics learns from statistics that its bank stores, and no gradient leads from them to "
                "pixels; `noise` is what its judges are hardened with"
            )
            raise ValueError(message)
