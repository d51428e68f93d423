"""What a package says of a scan, whatever is inside it."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from medfake.copies.patches import Patches
from medfake.copies.search import Copy
from medfake.package.scorer import Scores

MOST_SITES: Final = 5
SAME_SITE_MM: Final = 16.0
"""Places nearer to each other than this are one site: half the edge of a CT-GAN cube."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Site:
    """A suspicious place in three dimensions.

    Attributes:
        slice_index: Of the scan's slices, in the order in which they were given.
        z_mm: Position of that slice along the normal.
        y: Row, px.
        x: Column, px.
        p: Probability there, 0..1.
    """

    slice_index: int
    z_mm: float
    y: float
    x: float
    p: float


@dataclass(frozen=True)
class ScanScores:
    """What a package says of a scan.

    Attributes:
        p_tampered: Of the scan, 0..1, finite.
        slice_p: (n,) of its slices; NaN where the detector gives no number, and such slices decide nothing.
        shows_lung: (n,) bool; slices that show none decide nothing, unless no slice shows any. All True of other
            modalities than CT.
        sites: Strongest first, at most 5, each at least 16 mm from the others; of any probability, thresholds are the
            card's. Empty for detectors that do not localise.
        place_p: (n, gy, gx) probability at places, 0 where one does not count; None for detectors without such a map.
        place_step_px: Place (i, j) is centred on row i step, column j step; None with `place_p`.
        copies: Tissue that stands twice in the scan; both places are among `sites`. Empty where it is not looked for.
    """

    p_tampered: float
    slice_p: Floats
    shows_lung: NDArray[np.bool_]
    sites: tuple[Site, ...]
    place_p: NDArray[np.float32] | None = None
    place_step_px: int | None = None
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True)
class ScoredScan:
    """All that is kept of a scan until its last slice is scored; no pixels.

    Attributes:
        scores: Of its n slices.
        z_mm: (n,) positions along the normal, ascending.
        usable: (n,) bool; whether everything that the detector says of the slice is finite.
        shows_lung: (n,) bool.
        spacing_mm: Between rows, between columns.
        patches: Of its n slices, to find copies with; empty where they are not looked for.
    """

    scores: Scores
    z_mm: Floats
    usable: NDArray[np.bool_]
    shows_lung: NDArray[np.bool_]
    spacing_mm: tuple[float, float]
    patches: tuple[Patches, ...] = ()

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(n,) slices that speak for the scan, see `counted_slices`."""
        return counted_slices(self.usable, self.shows_lung)


def counted_slices(usable: NDArray[np.bool_], shows_lung: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) slices that speak for a scan: usable ones with lung, or all usable ones where none shows lung."""
    with_lung = usable & shows_lung
    return with_lung if with_lung.any() else usable


class Aggregate(Protocol):
    """From the slices of a scan to what is said of it."""

    def __call__(self, scan: ScoredScan) -> ScanScores:
        """Aggregate; at least one slice is usable.

        Raises:
            ScanError: The result is no number.
        """
