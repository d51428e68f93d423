"""Who is best on a data set, and who cannot be told apart from the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.significance import AucDifference, McNemar, auc_difference, holm, mcnemar

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Place of a run among those on the same data set, by slice AUC.

    Attributes:
        rank: 1 is best; equal AUCs share a rank, undefined ones come last.
        best: Whether this is the run that the others are compared with.
        tied: Whether the data cannot tell it apart from the best: the difference is not significant after Holm's
            correction.
        difference: Its AUC minus the best one's on the same slices; None for the best or where undefined.
        difference_p: Holm-adjusted p-value of that difference.
        mcnemar: Scan verdicts against the best one's; None for the best or where no scan is shared.
        mcnemar_p: Holm-adjusted p-value of that test.
    """

    rank: int
    best: bool
    tied: bool
    difference: AucDifference | None
    difference_p: float | None
    mcnemar: McNemar | None
    mcnemar_p: float | None


def rank(
    aucs: Sequence[float | None],
    slices: Sequence["pd.DataFrame"],
    correct: Sequence["pd.Series[bool]"],
    bootstrap: Bootstrap,
) -> list[Standing]:
    """Rank runs and compare each with the best.

    Args:
        aucs: Slice AUC of each run on the test split.
        slices: Test rows of each run.
        correct: Whether each scan's verdict is right, index scan_id.
        bootstrap: For the paired differences, with more resamples where there are many runs; ties are judged at
            1 - confidence.

    Returns:
        In the order given. Of runs with equal highest AUC the first is the one that others are compared with.
    """
    defined = [auc for auc in aucs if auc is not None]
    best = aucs.index(max(defined)) if defined else None
    others = [index for index in range(len(aucs)) if index != best]
    differences: dict[int, AucDifference | None] = dict.fromkeys(range(len(aucs)))
    verdicts: dict[int, McNemar | None] = dict.fromkeys(range(len(aucs)))
    if best is not None:
        fine = _fine_enough(bootstrap, len(others))
        differences |= {index: auc_difference(slices[index], slices[best], fine) for index in others}
        verdicts |= {index: _on_shared_scans(correct[index], correct[best]) for index in others}
    difference_p = _adjusted({index: None if d is None else d.p_value for index, d in differences.items()})
    mcnemar_p = _adjusted({index: None if v is None else v.p_value for index, v in verdicts.items()})
    return [
        Standing(
            rank=1 + sum(other > auc for other in defined) if auc is not None else 1 + len(defined),
            best=index == best,
            tied=_tied(differences[index], difference_p[index], 1 - bootstrap.confidence),
            difference=differences[index],
            difference_p=difference_p[index],
            mcnemar=verdicts[index],
            mcnemar_p=mcnemar_p[index],
        )
        for index, auc in enumerate(aucs)
    ]


def _fine_enough(bootstrap: Bootstrap, tests: int) -> Bootstrap:
    """Enough resamples for the smallest p-value to survive Holm's correction over that many tests."""
    needed = math.ceil(4 * tests / (1 - bootstrap.confidence))
    return replace(bootstrap, resamples=max(bootstrap.resamples, needed))


def _on_shared_scans(first: "pd.Series[bool]", second: "pd.Series[bool]") -> McNemar | None:
    shared = first.index.intersection(second.index)
    if shared.empty:
        return None
    return mcnemar(first.loc[shared].to_numpy(dtype=bool), second.loc[shared].to_numpy(dtype=bool))


def _adjusted(p_values: dict[int, float | None]) -> dict[int, float | None]:
    return dict(zip(p_values, holm(list(p_values.values())), strict=True))


def _tied(difference: AucDifference | None, p_value: float | None, alpha: float) -> bool:
    """Without enough resamples for a p-value nothing is told apart, so it is a tie."""
    return difference is not None and (p_value is None or p_value >= alpha)
