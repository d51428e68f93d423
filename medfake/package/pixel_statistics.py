"""Four numbers of a scan's pixels, of some slices as they pass to the detector: density, noise, its sharpness, air."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.lungs import BRIGHTEST_HU, DARKEST_HU, Mask, Pixels, deep_lung
from medfake.package.scan_scorer import Chunk
from medfake.vocabulary import Units

AIR_BELOW_HU: Final = -900
"""As of `air_fraction` in the manifest."""
_MOST_SLICES = 16  # of a scan: one of 500 slices costs no more than one of 64
_LEAST_SLICES = 4
_EVERY = 4  # a look takes 3 ms of 512 x 512, the scoring of a slice 100 and more: under a hundredth
_VESSEL_HU = -500  # what is brighter is no lung tissue, and would lift its mean
_LEAST_PIXELS = 500
_FAR = 4.0  # times the median difference: beyond it is an edge of something, no noise


@dataclass(frozen=True)
class PixelStatistics:
    """What the pixels of a slice, or of slices by their median, say; the first three None where no lung is in view.

    Attributes:
        lung_hu: Mean of lung tissue deep inside, HU.
        noise_hu: Deviation of a pixel there, HU, from differences of pixels two apart.
        sharpness: Deviation from neighbours over that from pixels two apart: near 1 for sharp kernels, low for soft.
        air_fraction: Share of pixels below -900 HU, 0..1.
    """

    lung_hu: float | None
    noise_hu: float | None
    sharpness: float | None
    air_fraction: float | None


NOTHING_SEEN: Final = PixelStatistics(None, None, None, None)


class PixelLook:
    """Looks at some of the slices that pass, evenly spread over the scan: a quarter of them, 4 at least, 16 at most."""

    def __init__(self, n_slices: int, spacing_mm: tuple[float, float], units: Units = Units.HU) -> None:
        """Get ready.

        Args:
            n_slices: Of the scan.
            spacing_mm: Between rows, between columns.
            units: Of the pixels; where they are no HU there is nothing to see by these numbers.
        """
        self._units = units
        self._of = max(1, n_slices)
        self._take = min(self._of, _MOST_SLICES, max(_LEAST_SLICES, n_slices // _EVERY))
        self._spacing_mm = float(np.sqrt(spacing_mm[0] * spacing_mm[1]))
        self._passed = 0
        self._seen: list[PixelStatistics] = []

    def __call__(self, slices: Iterable[Pixels]) -> None:
        """Look at the next slices, (rows, cols) int16 Hounsfield units each."""
        for hu in slices if self._units is Units.HU else ():
            if self._passed * self._take % self._of < self._take:
                self._seen.append(look_at(hu, self._spacing_mm))
            self._passed += 1

    def passing(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The same chunks, slices and their positions, each looked at as it passes."""
        for chunk in chunks:
            self(chunk[0])
            yield chunk

    @property
    def statistics(self) -> PixelStatistics:
        """Of what has passed."""
        return middle(self._seen)


def look_at(hu: Pixels, spacing_mm: float) -> PixelStatistics:
    """Look at one slice.

    Args:
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows and columns.
    """
    air = float(np.count_nonzero(hu < AIR_BELOW_HU)) / max(1, hu.size)
    lung = deep_lung(hu, spacing_mm)
    where = np.flatnonzero(lung.any(axis=1))
    if not len(where):
        return PixelStatistics(None, None, None, air)
    rows = slice(where[0], where[-1] + 1, 2)  # every other row says what all say, at half the price
    clipped = np.clip(hu[rows], DARKEST_HU, BRIGHTEST_HU).astype(np.float32)
    tissue: Mask = lung[rows] & (clipped < _VESSEL_HU) & (clipped > DARKEST_HU)
    if np.count_nonzero(tissue) < _LEAST_PIXELS:
        return PixelStatistics(None, None, None, air)
    near, far = (_deviation(clipped, tissue, apart) for apart in (1, 2))
    return PixelStatistics(float(clipped[tissue].mean()), far, near / far if far > 0 else None, air)


def middle(seen: Sequence[PixelStatistics]) -> PixelStatistics:
    """Medians of slices, each of those that have the number."""
    columns = zip(*map(astuple, seen), strict=True) if seen else [()] * 4
    return PixelStatistics(*(_median([value for value in column if value is not None]) for column in columns))


def _median(known: Sequence[float]) -> float | None:
    return float(np.median(known)) if known else None


def _deviation(hu: NDArray[np.float32], tissue: Mask, apart: int) -> float:
    """Deviation of one pixel, from differences of pixels of a row that are so many apart; edges are left out."""
    both = tissue[:, apart:] & tissue[:, :-apart]
    differences = np.abs(hu[:, apart:] - hu[:, :-apart])[both]
    if not len(differences):
        return 0.0
    kept = differences[differences <= _FAR * max(1.0, float(np.median(differences)))]
    return float(np.sqrt(np.mean(np.square(kept)) / 2))
