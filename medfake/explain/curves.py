"""Insertion and deletion (Petsiuk et al. 2018): does the answer hang on the pixels that a map says it hangs on?

Deletion blurs the pixels of a slice, those first that speak most for "tampered"; insertion brings them back into the
blurred slice. A good map has P(tampered) fall early in the one and rise early in the other. Blur is foreign to a slice,
too, and a detector of texture may take it for tampering: areas say something beside those of a random map only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.explain.heat_map import Floats, HeatMap, spread
from medfake.metrics.bootstrap import Bootstrap, cluster
from medfake.metrics.within_slice import Figure, mean_figure

SHARES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0)
"""Of all pixels of a slice that are blurred, or brought back; dense where sites are: 32 mm are 1 % of a slice."""
EARLY: Final = 0.05
"""Share of pixels up to which gains are measured: beyond it, what is blurred is mostly no site, whatever a map says."""
BLUR_MM: Final = 8.0
"""Standard deviation of the blur: wider than any nodule of the label files."""
_RANDOM_STEP_MM: Final = 16.0

Score = Callable[[Iterator[NDArray[np.int16]]], Sequence[float]]
"""Slices of one size, one by one -> P(tampered) of each."""


@dataclass(frozen=True)
class Curves:
    """P(tampered) against the share of pixels, `SHARES` in either.

    Attributes:
        deletion: (shares,) from the slice to the blurred one.
        insertion: (shares,) from the blurred slice to the slice.
    """

    deletion: Floats
    insertion: Floats

    def areas(self, upto: float = 1.0) -> tuple[float, float]:
        """Under deletion, lower is better, and under insertion, higher is better; see `area`."""
        return area(self.deletion, upto), area(self.insertion, upto)


@dataclass(frozen=True)
class CurveFigures:
    """Curves of several slices.

    Attributes:
        deletion: Mean over slices at `SHARES`, then likewise.
        insertion: See `Curves`.
        deletion_of_random: Of maps that know nothing.
        insertion_of_random: Likewise.
        deletion_area: With its interval over patients.
        insertion_area: Likewise.
        deletion_gain: How much smaller the area up to `EARLY` is than that of random maps.
        insertion_gain: How much larger.
    """

    deletion: tuple[float, ...]
    insertion: tuple[float, ...]
    deletion_of_random: tuple[float, ...]
    insertion_of_random: tuple[float, ...]
    deletion_area: Figure
    insertion_area: Figure
    deletion_gain: Figure
    insertion_gain: Figure


def area(p: Floats, upto: float = 1.0) -> float:
    """Under a curve over `SHARES`, by trapezoids, up to one of them and divided by it: a mean P(tampered), 0..1."""
    end = SHARES.index(upto) + 1
    return float(np.trapezoid(p[:end], SHARES[:end])) / upto


def follow(
    score: Score, hu: NDArray[np.int16], spacing_mm: tuple[float, float], maps: Sequence[HeatMap], rng: Generator
) -> list[Curves]:
    """Delete and insert the pixels of one slice in the order of each of some maps.

    Args:
        score: Of the detector.
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows, between columns.
        maps: Say the order, highest first; equals come as they are drawn.
        rng: Of the draw.
    """
    blurred, orders = _blurred(hu, spacing_mm), [_places_in_order(heat, rng) for heat in maps]
    between = [share * hu.size for share in SHARES[1:-1]]

    def images() -> Iterator[NDArray[np.int16]]:
        yield hu
        yield blurred
        for place in orders:
            for first in between:
                yield np.where(place < first, blurred, hu)
                yield np.where(place < first, hu, blurred)

    whole, nothing, *rest = score(images())
    steps = np.reshape(rest, (len(maps), len(between), 2))
    return [
        Curves(np.array([whole, *deleted, nothing]), np.array([nothing, *inserted, whole]))
        for deleted, inserted in (one.T for one in steps)
    ]


def random_map(shape: tuple[int, int], spacing_mm: tuple[float, float], rng: Generator) -> HeatMap:
    """A map that knows nothing and is as smooth as others are: places 16 mm apart, interpolated."""
    step = (max(1.0, _RANDOM_STEP_MM / spacing_mm[0]), max(1.0, _RANDOM_STEP_MM / spacing_mm[1]))
    down, across = (int(size // px) + 2 for size, px in zip(shape, step, strict=True))
    return HeatMap(spread(rng.random((down, across)), shape, (0.0, 0.0), step))


def measure_curves(
    curves: Sequence[Curves], of_random: Sequence[Curves], patients: Sequence[str], scans: Sequence[str],
    bootstrap: Bootstrap,
) -> CurveFigures:  # fmt: skip
    """Means and areas over slices, at least one.

    Args:
        curves: One a slice, then likewise.
        of_random: Of `random_map`.
        patients: Pseudonyms.
        scans: Pseudonyms.
        bootstrap: Over patients.
    """
    of = cluster(list(patients), list(scans))
    deleted, inserted = np.array([one.areas() for one in curves]).T
    early, early_of_random = (np.array([one.areas(EARLY) for one in some]).T for some in (curves, of_random))
    return CurveFigures(
        deletion=_mean([one.deletion for one in curves]),
        insertion=_mean([one.insertion for one in curves]),
        deletion_of_random=_mean([one.deletion for one in of_random]),
        insertion_of_random=_mean([one.insertion for one in of_random]),
        deletion_area=mean_figure(deleted, of, bootstrap),
        insertion_area=mean_figure(inserted, of, bootstrap),
        deletion_gain=mean_figure(early_of_random[0] - early[0], of, bootstrap),
        insertion_gain=mean_figure(early[1] - early_of_random[1], of, bootstrap),
    )


def _blurred(hu: NDArray[np.int16], spacing_mm: tuple[float, float]) -> NDArray[np.int16]:
    from scipy import ndimage

    sigma = [BLUR_MM / mm for mm in spacing_mm]
    blurred: NDArray[np.int16] = np.rint(ndimage.gaussian_filter(hu.astype(np.float32), sigma)).astype(np.int16)
    return blurred


def _places_in_order(heat: HeatMap, rng: Generator) -> NDArray[np.intp]:
    """(rows, cols) place of each pixel in the order, 0 for the highest."""
    values = heat.values.ravel()
    order = np.lexsort((rng.random(values.size), -values))
    place = np.empty(values.size, np.intp)
    place[order] = np.arange(values.size)
    return place.reshape(heat.values.shape)


def _mean(curves: Sequence[Floats]) -> tuple[float, ...]:
    return tuple(float(p) for p in np.mean(curves, axis=0))
