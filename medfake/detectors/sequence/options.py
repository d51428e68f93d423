"""Options of sequence detectors, as they stand under their names in params.yaml."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from medfake.config import Positive, Section
from medfake.config.paths import FromRoot
from medfake.detectors.forensic.options import ResidualCNNOptions
from medfake.package.scorer import EMBEDDING_OUTPUT, PLACE_OUTPUTS

NEIGHBOURS_MM: Final = 12.0
"""To either side of a slice of the data set, slices are read from its scan to learn from."""


class SliceWindowOptions(Section):
    """What is seen of each slice before slices are put together.

    Attributes:
        package: Folder of a trained detector with maps of places, taken as it is; null trains one first.
        trunk: Options of the ResidualCNN that is trained where no package is named.
    """

    looks_at: ClassVar[tuple[str, ...]] = PLACE_OUTPUTS
    """Outputs of the trunk that it is made of."""

    package: Annotated[str | None, FromRoot(of_experiment=True)] = None
    trunk: ResidualCNNOptions = Field(default_factory=ResidualCNNOptions)


class SliceGRUOptions(SliceWindowOptions):
    """Recurrent units along z, on top of a trunk.

    Attributes:
        units: Of each of the two, from below and from above.
        reach_mm: To either side of the slice that is judged; training knows no more of a scan.
        reach: Slices to either side at most.
        bridge_mm: Widest gap between neighbouring slices over which anything is carried.
        epochs: Of sequences.
        sequences: Shown an epoch, half of them tampered.
        alone: Share of the sequences of a batch from which neighbours are left out by chance, down to the slice alone.
        noise: Deviation of noise added to features in training, of log odds in units of 6.
        decay: L2 on the kernels.
    """

    units: int = Field(default=12, ge=1, le=256)
    reach_mm: Annotated[float, Field(gt=0, le=NEIGHBOURS_MM)] = NEIGHBOURS_MM
    reach: int = Field(default=8, ge=1, le=32)
    bridge_mm: Positive = 10.0
    epochs: int = Field(default=12, ge=1)
    sequences: int = Field(default=4000, ge=64)
    batch_size: int = Field(default=128, ge=2)
    learning_rate: Positive = 2e-3
    alone: Annotated[float, Field(ge=0, le=1)] = 0.3
    noise: Annotated[float, Field(ge=0)] = 0.05
    decay: Annotated[float, Field(ge=0)] = 1e-4


class SliceFeatureGRUOptions(SliceGRUOptions):
    """Recurrent units along z over one vector of features a slice; the rest is as of `SliceGRUOptions`.

    Attributes:
        package: Folder of a trained detector with an embedding of slices, as networks on a backbone have, or of a
            ResidualCNN; null trains a ResidualCNN first.
        noise: Of standardised features.
    """

    looks_at: ClassVar[tuple[str, ...]] = (EMBEDDING_OUTPUT,)

    epochs: int = Field(default=20, ge=1)
    sequences: int = Field(default=2000, ge=64)
    noise: Annotated[float, Field(ge=0)] = 0.3
    decay: Annotated[float, Field(ge=0)] = 1e-3
