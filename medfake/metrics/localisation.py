"""Does the detector point at the right place?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import Interval, mean_interval
from medfake.metrics.scans import Floats

if TYPE_CHECKING:
    import pandas as pd

HIT_MM: Final = 16.0
"""Half the edge of the cube that CT-GAN replaces."""
_CHUNK: Final = 512


@dataclass(frozen=True)
class Localisation:
    """How often the predicted site of a tampered slice lies within `HIT_MM` of the true one, in the slice's plane.

    Attributes:
        hit_rate: 0..1; a tampered slice without a predicted site is a miss.
        interval: Of the hit rate, patients resampled.
        random: Hit rate of guessing a true site of another patient; None with one patient. High where sites always lie
            at one place, as in a view centred on them.
        centre: Hit rate of always guessing the mean of all true sites.
        slices: Tampered slices with a known site.
    """

    hit_rate: float
    interval: Interval | None
    random: float | None
    centre: float
    slices: int


def localise(rows: "pd.DataFrame", bootstrap: Bootstrap | None = None) -> Localisation | None:
    """Compare predicted with true sites.

    Args:
        rows: One run's slices of one split.
        bootstrap: As for `evaluate_with_intervals`.

    Returns:
        None when the detector names no site, or no tampered slice has a known one.
    """
    bootstrap = bootstrap or Bootstrap()
    sited = rows[(rows["label"] == 1) & rows["site_y"].notna()]
    if sited.empty or bool(sited["pred_site_y"].isna().all()):
        return None
    true = sited[["site_y", "site_x"]].to_numpy(dtype=np.float64)
    predicted = sited[["pred_site_y", "pred_site_x"]].to_numpy(dtype=np.float64)
    spacing = sited["spacing_mm"].to_numpy(dtype=np.float64)
    hits = (_distance_mm(true, predicted, spacing) <= HIT_MM).astype(np.float64)
    centre = _distance_mm(true, true.mean(axis=0), spacing) <= HIT_MM
    return Localisation(
        hit_rate=float(hits.mean()),
        interval=mean_interval(sited, hits, bootstrap),
        random=_hits_of_others(true, spacing, sited["patient_id"].to_numpy(dtype=str)),
        centre=float(centre.mean()),
        slices=len(sited),
    )


def _distance_mm(a: Floats, b: Floats, spacing_mm: Floats) -> Floats:
    """Distance of (n, 2) pixel places, mm; NaN places are NaN away."""
    distance: Floats = np.hypot(*(a - b).T) * spacing_mm
    return distance


def _hits_of_others(
    true: Floats, spacing_mm: Floats, patients: "np.ndarray[tuple[int], np.dtype[np.str_]]"
) -> float | None:
    """Exact chance that a site drawn from the other patients' slices hits, averaged over slices."""
    if len(set(patients)) < 2:
        return None
    rates = []
    for start in range(0, len(true), _CHUNK):
        here = slice(start, start + _CHUNK)
        gap = true[here, None, :] - true[None, :, :]
        near = np.hypot(gap[..., 0], gap[..., 1]) * spacing_mm[here, None] <= HIT_MM
        others = patients[here, None] != patients[None, :]
        rates.append((near & others).sum(axis=1) / others.sum(axis=1))
    return float(np.concatenate(rates).mean())
