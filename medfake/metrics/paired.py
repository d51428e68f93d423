"""Two detectors on the same slices by a metric that no threshold decides, and what the difference is worth."""

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from medfake.metrics.bootstrap import Bootstrap, clusters_of, draw
from medfake.metrics.intervals import Interval, percentile_interval
from medfake.metrics.scans import Floats
from medfake.metrics.weighted import weighted_metrics

if TYPE_CHECKING:
    import pandas as pd

CurveMetric = Literal["auc", "average_precision", "tpr_at_fpr_1", "tpr_at_fpr_5"]
"""Of the whole ranking; a threshold has no say."""
_NO_MATTER: Final = 0.5  # threshold of what is computed beside them


def difference_interval(
    first: "pd.DataFrame", second: "pd.DataFrame", metric: CurveMetric, bootstrap: Bootstrap
) -> Interval | None:
    """Interval of a metric of one detector minus that of another, both computed on the same resampled patients.

    Args:
        first: One run's slices of one split.
        second: Another run's slices of that split; slices that only one of them has are left out.
        metric: Which.
        bootstrap: As for `evaluate_with_intervals`.

    Returns:
        None where there is one patient with one scan, or where fewer than half of the resamples have both classes.
    """
    columns = ["slice_id", "scan_id", "patient_id", "label", "p_tampered"]
    both = first[columns].merge(second[["slice_id", "p_tampered"]], on="slice_id", suffixes=("", "_second"))
    clusters = clusters_of(both)
    if clusters.count < 2:
        return None
    weights = draw(clusters.count, bootstrap)

    def resampled(p: "pd.Series[float]") -> Floats:
        return weighted_metrics(both["label"].to_numpy(), p.to_numpy(), _NO_MATTER, clusters.codes, weights)[metric]

    differences = np.subtract(resampled(both["p_tampered"]), resampled(both["p_tampered_second"]))
    return percentile_interval(differences, bootstrap)
