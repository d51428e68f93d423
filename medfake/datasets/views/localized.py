"""A square around a site; around matched places that are none, or the view itself would give the class away."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from medfake.config import ViewParams
from medfake.datasets.views.registry import Cut, Place, view
from medfake.regions import region_of
from medfake.vocabulary import TAMPERED_CODES

_JITTER = 0.02  # standard deviation, of the slice's edge: a borrowed place is not quite the lender's


class LocalizedView(ViewParams, extra="forbid"):
    """A square around a site, and around a matched place that is none (Solaiyappan and Wen, section 2)."""

    size: int = Field(default=128, ge=16, description="px")


@view("localized", LocalizedView)
class Localized:
    """Solaiyappan and Wen, section 3.1.2: 128 x 128 px around the labelled place.

    A tampered slice gives one square for every site that it shows. A real slice with a real nodule gives one around the
    nodule; every other real slice borrows the relative place of a random tampered square of its split, and when that is
    not in its lung, the nearest pixel that is. A square that would leave the slice is moved inwards: padding would tell
    sites at the chest wall apart.
    """

    def __init__(self, params: LocalizedView) -> None:
        self.size = params.size

    def places(self, kept: pd.DataFrame, sites: pd.DataFrame, seed: int) -> pd.DataFrame:
        """One row a square; of a slice with several sites, one each, all with the slice's own z_index."""
        rng = np.random.default_rng(seed)
        kept = kept.assign(view_y=kept.site_y, view_x=kept.site_x)
        kept = _one_row_a_site(kept, sites)
        for _, split in kept.groupby("split", sort=True):
            lenders = split[split.label == 1]
            borrowers = split[split.view_y.isna()]
            if lenders.empty or borrowers.empty:
                continue
            lent = lenders.iloc[rng.integers(len(lenders), size=len(borrowers))]
            for axis, edge in (("view_y", "rows"), ("view_x", "cols")):
                share = lent[axis].to_numpy() / lent[edge].to_numpy() + rng.normal(0, _JITTER, len(borrowers))
                kept.loc[borrowers.index, axis] = (share.clip(0, 1) * (borrowers[edge] - 1)).round()
        return kept

    def shape(self, _rows: int, _cols: int) -> tuple[int, int]:
        """A square."""
        return self.size, self.size

    def cut(self, hu: NDArray[np.int16], place: Place) -> Cut | None:
        """The square around the place; None for a slice that is smaller."""
        if min(hu.shape) < self.size:
            return None
        y, x = (place.y, place.x) if place.labelled else _into_region(hu, place)
        top, left = (
            int(np.clip(round(centre) - self.size // 2, 0, edge - self.size))
            for centre, edge in zip((y, x), hu.shape, strict=True)
        )
        return Cut(np.ascontiguousarray(hu[top : top + self.size, left : left + self.size]), top, left)


def _one_row_a_site(kept: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    """Repeat tampered slices for every further site of their scan that lies as near along z as the nearest."""
    tampered = sites[sites.kind.isin(TAMPERED_CODES)]
    pairs = kept[kept.label == 1].reset_index(names="of").merge(tampered, on="scan_id", suffixes=("", "_of_site"))
    same_depth = (pairs.z_mm - pairs.z_mm_of_site).abs() <= pairs.distance_mm + 1e-3
    other = same_depth & ((pairs.y != pairs.site_y) | (pairs.x != pairs.site_x))
    further = pairs[other].drop_duplicates(["of", "y", "x"])
    copies = kept.loc[further.of].assign(
        site_y=further.y.to_numpy(float),
        site_x=further.x.to_numpy(float),
        view_y=further.y.to_numpy(float),
        view_x=further.x.to_numpy(float),
    )
    return pd.concat([kept, copies]).sort_index(kind="stable").reset_index(drop=True)


def _into_region(hu: NDArray[np.int16], place: Place) -> tuple[float, float]:
    """The pixel of the lung nearest to a place, of other modalities that of the tissue; the place itself without."""
    region = np.argwhere(region_of(place.modality).in_slice(hu, place.spacing_mm))
    if not len(region):
        return place.y, place.x
    nearest = region[((region - (place.y, place.x)) ** 2).sum(axis=1).argmin()]
    return float(nearest[0]), float(nearest[1])
