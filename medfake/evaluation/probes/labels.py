"""Does the way of measuring itself find something where there is nothing?"""

import numpy as np
from sklearn.metrics import roc_auc_score

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.evaluation.probes.registry import NOTHING, Answer, Score, probe, sample
from medfake.evaluation.probes.texture import fast_detector, features


@probe(
    "label permutation", question="Does a fast detector find anything when the labels of the train split are shuffled?"
)
def label_permutation(data: Dataset, params: ProbesParams) -> Answer:
    """The masked probe's model, learnt with shuffled labels on the slices as they are, measured on true ones.

    The score is the mean over all permutations, its interval their middle 95 %.
    """
    train, test = (sample(data, split, params) for split in ("train", "test"))
    if test.label.nunique() < 2:
        return Answer(NOTHING)
    described, asked = (features(data.mapped(rows), rows.spacing_mm.tolist()) for rows in (train, test))
    if not described.std(axis=0).any():
        return Answer(NOTHING)
    rng = np.random.default_rng(params.seed)
    labels = train.label.to_numpy()
    aucs = []
    for _ in range(params.permutations):
        model = fast_detector(params.seed).fit(described, rng.permutation(labels))
        aucs.append(roc_auc_score(test.label, model.predict_proba(asked)[:, 1]))
    low, high = np.quantile(aucs, [0.025, 0.975])
    return Answer(Score(float(np.mean(aucs)), float(low), float(high), "permutations"))
