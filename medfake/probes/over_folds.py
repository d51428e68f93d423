"""Probes of a data set that is tested in folds: each fold is looked at by itself, and the answers are averaged."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean, stdev

from medfake.probes.answer import Answer, Score

UNIT = "folds"
_NAMED = 3


def mean_answer(answers: Sequence[Answer]) -> Answer:
    """The mean of what a probe answered of each fold.

    Args:
        answers: One a fold, at least one.
    """
    words = Counter(word for one in answers for word in one.because.split(", ") if word)
    return Answer(
        mean_score([one.score for one in answers]),
        val=_mean([one.val for one in answers]),
        control=_mean([one.control for one in answers]),
        because=", ".join(word for word, _ in words.most_common(_NAMED)),
    )


def mean_score(scores: Sequence[Score]) -> Score:
    """Mean AUC of those that have one, its 95 % interval from their spread (Student's t)."""
    from scipy.stats import t

    aucs = [one.auc for one in scores if one.auc is not None]
    if len(aucs) < 2:
        return Score(None, None, None, UNIT, len(aucs))
    mean, reach = fmean(aucs), float(t.ppf(0.975, len(aucs) - 1)) * stdev(aucs) / len(aucs) ** 0.5
    return Score(mean, mean - reach, mean + reach, UNIT, len(aucs))


def _mean(scores: Sequence[Score | None]) -> Score | None:
    known = [one for one in scores if one is not None]
    return mean_score(known) if known else None
