"""Can the class be told from the header alone?"""

from typing import Any

import numpy as np
import pandas as pd

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.evaluation.probes.registry import Answer, probe, sample, score

NUMBERS = ("spacing_mm", "thickness_mm", "bits_stored", "intercept", "padding", "hu_min", "hu_max")
WORDS = ("manufacturer", "kernel", "transfer_syntax")
_REPEATS = 5
_NOTABLE = 0.01  # of AUC, lost when a fact is shuffled


@probe(
    "metadata", question="Can the class be told from the header and the extremes of the pixel values, without looking?"
)
def metadata(data: Dataset, params: ProbesParams) -> Answer:
    """Gradient boosting on spacing, thickness, maker, kernel, bits, intercept, padding and HU extremes.

    Learnt on train, measured on test; the fact that tells most is the one whose permutation costs most on validation.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.inspection import permutation_importance

    rows = {split: sample(data, split, params) for split in ("train", "val", "test")}
    known = {word: sorted(set(rows["train"][word])) for word in WORDS}
    tables = {split: _facts(of_split, known) for split, of_split in rows.items()}
    telling = [str(name) for name, values in tables["train"].items() if len(values.unique()) > 1]
    if not telling:  # every header says the same
        return Answer(score(rows["test"], np.full(len(rows["test"]), 0.5), params.seed))
    tables = {split: table[telling] for split, table in tables.items()}
    model: Any = HistGradientBoostingClassifier(
        max_iter=60,
        min_samples_leaf=10,
        early_stopping=False,
        categorical_features=[word for word in WORDS if word in telling],
        random_state=params.seed,
    ).fit(tables["train"], rows["train"].label)
    found = score(rows["test"], model.predict_proba(tables["test"])[:, 1], params.seed)
    cost = permutation_importance(
        model, tables["val"], rows["val"].label, scoring="roc_auc", n_repeats=_REPEATS, random_state=params.seed
    ).importances_mean
    strongest = int(np.argmax(cost))
    return Answer(found, because=telling[strongest] if cost[strongest] > _NOTABLE else "")


def _facts(rows: pd.DataFrame, known: dict[str, list[str]]) -> pd.DataFrame:
    numbers = rows[list(NUMBERS)].astype(float)
    words = {word: pd.Categorical(rows[word], categories=categories).codes for word, categories in known.items()}
    return numbers.assign(**{word: np.where(codes < 0, np.nan, codes) for word, codes in words.items()})
