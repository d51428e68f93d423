"""What probes look at: a seeded sample of every split, its slices described once for all probes."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.probes.texture import CUBE_MM, Square, describe
from medfake.vocabulary import Modality


@dataclass(frozen=True)
class Textures:
    """Slices of a split in numbers.

    Attributes:
        whole: (slices, features) of the slices as they are.
        blanked: The same with a 32 mm square left out: around the site, or around a borrowed place in a slice that
            has none.
    """

    whole: NDArray[np.float64]
    blanked: NDArray[np.float64]


@dataclass(frozen=True)
class ProbeInput:
    """A data set as probes see it.

    Attributes:
        data: The data set.
        params: Seed, sizes and limit.
    """

    data: Dataset
    params: ProbesParams
    _rows: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    _textures: dict[str, Textures] = field(default_factory=dict, repr=False)

    def rows(self, split: str) -> pd.DataFrame:
        """Rows of a split: slices themselves, no copies, at most `params.slices` of them, drawn at random."""
        if split not in self._rows:
            rows = self.data.split(split)
            rows = rows[rows["transform"] == ""]
            if len(rows) > self.params.slices:
                rng = np.random.default_rng(self.params.seed)
                rows = rows.iloc[np.sort(rng.choice(len(rows), self.params.slices, replace=False))]
            self._rows[split] = rows
        return self._rows[split]

    def textures(self, split: str) -> Textures:
        """Texture of a split's rows, in their order."""
        if split not in self._textures:
            rows = self.rows(split)
            described = describe(self.data.mapped(rows), _squares(rows, self.params.seed, self.data.modality))
            self._textures[split] = Textures(described[:, 0], described[:, 1])
        return self._textures[split]


def _squares(rows: pd.DataFrame, seed: int, modality: Modality = Modality.CT) -> list[Square]:
    """Where each slice is blanked; what has no site borrows the relative place of a random tampered slice."""
    rng = np.random.default_rng(seed)
    own = ((rows.label == 1) & rows.site_y.notna()).to_numpy()
    lenders = rows[own]
    if lenders.empty:
        y, x = rows.rows.to_numpy() / 2, rows.cols.to_numpy() / 2
    else:
        lent = lenders.iloc[rng.integers(len(lenders), size=len(rows))]
        y = np.where(own, rows.site_y, lent.site_y.to_numpy() / lent.rows.to_numpy() * rows.rows.to_numpy())
        x = np.where(own, rows.site_x, lent.site_x.to_numpy() / lent.cols.to_numpy() * rows.cols.to_numpy())
    half_px = CUBE_MM / 2 / rows.spacing_mm.to_numpy()
    places = zip(y.tolist(), x.tolist(), half_px.tolist(), (~own).tolist(), rows.spacing_mm.tolist(), strict=True)
    return [Square(*place, modality) for place in places]
