"""Does the way of measuring itself find something where there is nothing?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from medfake.metrics.swapped_labels import swap_labels
from medfake.probes.answer import NOTHING, Answer, Score
from medfake.probes.probe_input import ProbeInput
from medfake.probes.registry import probe
from medfake.probes.texture import fast_detector
from medfake.vocabulary import Split

_REACH = 1.96  # standard errors of a mean to either side: 95 %


@probe(
    "label permutation",
    question="Does a fast detector find anything when the scans of the train split swap labels?",
    means="something is found where there is nothing, so the way of measuring itself leaks",
)
def label_permutation(given: ProbeInput) -> Answer:
    """The masked probe's model, learnt on the slices as they are with swapped labels, measured on true ones.

    Labels move between whole scans: slices of a scan resemble each other, and labels shuffled over slices would teach
    nothing even to a detector that knows scans by heart. The score is the mean over all permutations, its interval that
    of the mean.
    """
    if not given.textures(Split.TRAIN).whole.std(axis=0).any():
        return Answer(NOTHING)
    rng, train = np.random.default_rng(given.params.seed), given.rows(Split.TRAIN)
    aucs: dict[Split, list[float]] = {Split.VAL: [], Split.TEST: []}
    for _ in range(given.params.permutations):
        labels = swap_labels(train, rng)
        if len(set(labels.tolist())) < 2:
            continue
        model = fast_detector(given.params.seed).fit(given.textures(Split.TRAIN).whole, labels)
        for split in aucs:
            aucs[split] += _auc(given.rows(split).label, model.predict_proba(given.textures(split).whole)[:, 1])
    return Answer(_mean(aucs[Split.TEST]), val=_mean(aucs[Split.VAL]))


def _auc(label: "pd.Series[int]", p_tampered: NDArray[np.float64]) -> list[float]:
    return [float(roc_auc_score(label, p_tampered))] if label.nunique() == 2 else []


def _mean(aucs: list[float]) -> Score:
    if len(aucs) < 2:
        return Score(None, None, None, "permutations", len(aucs))
    mean, reach = float(np.mean(aucs)), _REACH * float(np.std(aucs, ddof=1)) / len(aucs) ** 0.5
    return Score(mean, mean - reach, mean + reach, "permutations", len(aucs))
