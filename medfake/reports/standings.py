"""Who is best on a data set, and who cannot be told apart from the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.significance import Difference, McNemar, holm, mcnemar, paired_difference
from medfake.vocabulary import PositiveClass

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Place of a run among those on the same data set, by one metric of its slices.

    Attributes:
        rank: 1 is best; equal values share a rank, undefined ones come last.
        best: Whether this is the run that the others are compared with.
        tied: Whether the data cannot tell it apart from the best: the difference is not significant after Holm's
            correction.
        difference: Its metric minus the best one's on the same slices; None for the best or where undefined.
        difference_p: Holm-adjusted p-value of that difference.
        mcnemar: Scan verdicts against the best one's; None for the best or where no scan is shared.
        mcnemar_p: Holm-adjusted p-value of that test.
    """

    rank: int
    best: bool
    tied: bool
    difference: Difference | None
    difference_p: float | None
    mcnemar: McNemar | None
    mcnemar_p: float | None


@dataclass(frozen=True)
class Contestant:
    """What a run is ranked by.

    Attributes:
        value: Of the metric on its test slices; None where undefined.
        slices: Its test rows.
        threshold: Of its slices.
        correct: Whether each scan's verdict is right, index scan_id.
    """

    value: float | None
    slices: "pd.DataFrame"
    threshold: float
    correct: "pd.Series[bool]"


def rank(
    runs: Sequence[Contestant],
    bootstrap: Bootstrap,
    metric: str = "auc",
    positive: PositiveClass = PositiveClass.TAMPERED,
) -> list[Standing]:
    """Rank runs and compare each with the best.

    Args:
        runs: On one data set.
        bootstrap: For the paired differences, with more resamples where there are many runs; ties are judged at
            1 - confidence.
        metric: That ranks and is tested, higher is better.
        positive: Class that it is of, where it is of one.

    Returns:
        In the order given. Of runs with the same highest value the first is the one that others are compared with.
    """
    values = [run.value for run in runs]
    defined = [value for value in values if value is not None]
    best = values.index(max(defined)) if defined else None
    others = [index for index in range(len(runs)) if index != best]
    differences: dict[int, Difference | None] = dict.fromkeys(range(len(runs)))
    verdicts: dict[int, McNemar | None] = dict.fromkeys(range(len(runs)))
    if best is not None:
        fine, first = _fine_enough(bootstrap, len(others)), runs[best]
        for index in others:
            run = runs[index]
            differences[index] = paired_difference(
                run.slices, first.slices, fine,
                metric=metric, thresholds=(run.threshold, first.threshold), positive=positive,
            )  # fmt: skip
            verdicts[index] = _on_shared_scans(run.correct, first.correct)
    difference_p = _adjusted({index: None if d is None else d.p_value for index, d in differences.items()})
    mcnemar_p = _adjusted({index: None if v is None else v.p_value for index, v in verdicts.items()})
    return [
        Standing(
            rank=1 + sum(other > value for other in defined) if value is not None else 1 + len(defined),
            best=index == best,
            tied=_tied(differences[index], difference_p[index], 1 - bootstrap.confidence),
            difference=differences[index],
            difference_p=difference_p[index],
            mcnemar=verdicts[index],
            mcnemar_p=mcnemar_p[index],
        )
        for index, value in enumerate(values)
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


def _tied(difference: Difference | None, p_value: float | None, alpha: float) -> bool:
    """Without enough resamples for a p-value nothing is told apart, so it is a tie."""
    return difference is not None and (p_value is None or p_value >= alpha)
