"""ResidualStatistics: is the texture of this place foreign to its slice, in twelve bands of fixed residuals?

Some 65,000 learnt weights a judge; what they look at is computed, not learnt: there is little to overfit to a scanner.
"""

from typing import Any

from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.registry import detector

FAMILY = "dense"


@detector("ResidualStatistics", family=FAMILY, options=ResidualStatisticsOptions, localises=True)
def build_residual_statistics(mean: Any, deviation: Any, options: ResidualStatisticsOptions) -> tuple[Any, Any, Any]:
    """Build the network in its three forms, sharing all weights.

    Args:
        mean: (440,) of the features of training places.
        deviation: (440,) likewise.
        options: From params.yaml.

    Returns:
        The judges, (places, 440) -> (places, rounds x members) logits; the detector of slices; and the aggregation of a
        scan.
    """
    from medfake.detectors.dense.network import build_aggregation, build_detector, build_judges

    judges = build_judges(mean, deviation, options)
    return judges, build_detector(judges), build_aggregation()
