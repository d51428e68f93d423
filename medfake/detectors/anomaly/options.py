"""Options of one-class detectors, as they stand under their names in params.yaml."""

from typing import Annotated

from pydantic import Field

from medfake.config import Positive, Section
from medfake.config.paths import FromRoot

Share = Annotated[float, Field(gt=0, lt=1)]


class RealScansOptions(Section):
    """What detectors have in common that learn from real scans alone.

    Attributes:
        bank: Folder that the stage `bank` wrote, whose untouched slices are learnt from, too; null for none.
        slices: Real ones that are learnt from at most, by turns of their patients.
        places: Of them that are learnt from at most; patients weigh by the root of how many they have.
        least_variance: Directions in which real places hardly differ count as if they varied by this share of the
            widest; what is rounding there would count for more than what is seen.
        false_alarms: Share of real slices that P = 0.5 calls tampered.
    """

    bank: Annotated[str | None, FromRoot(of_experiment=True)] = None
    slices: int = Field(default=600, ge=2)
    places: int = Field(default=30_000, ge=200)
    least_variance: Share = 0.03
    false_alarms: Share = 0.05


class PatchCoreOptions(RealScansOptions):
    """A memory of real places.

    Attributes:
        memory: Real places that are kept, those that are farthest from each other.
        neighbour: How far the nearest, or which one after it, is: 1 for the nearest.
        projected: Numbers to which places are projected while the memory is chosen.
    """

    memory: int = Field(default=2000, ge=50, le=20_000)
    neighbour: int = Field(default=5, ge=1, le=50)
    projected: int = Field(default=24, ge=2)


class DenoiserOptions(RealScansOptions):
    """A network that guesses every pixel from those around it.

    Attributes:
        edge: Of the neighbourhood, px, odd.
        holes: Edges of what is hidden from each of the guesses, px, odd: 1 hides the pixel alone.
        width: Channels of the hidden layers.
        epochs: Over crops of real lungs.
        crops: Shown an epoch.
        batch_size: Crops shown at a time.
        learning_rate: At the beginning; it falls to nothing.
    """

    edge: int = Field(default=7, ge=3, le=15)
    holes: tuple[int, ...] = Field(default=(1, 3), min_length=1, strict=False)
    width: int = Field(default=24, ge=2)
    epochs: int = Field(default=12, ge=1)
    crops: int = Field(default=1600, ge=16)
    batch_size: int = Field(default=32, ge=2)
    learning_rate: Positive = 3e-3
