"""Can the class be told from the header alone?"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance

from medfake.probes.answer import Answer, score
from medfake.probes.probe_input import ProbeInput
from medfake.probes.registry import probe
from medfake.vocabulary import Split

NUMBERS = (
    "spacing_mm",
    "thickness_mm",
    "bits_stored",
    "intercept",
    "padding",
    "hu_min",
    "hu_max",
    "air_fraction",
    "rows",
    "cols",
    "z_mm",
)
WORDS = ("manufacturer", "kernel", "transfer_syntax", "lossy")
_REPEATS = 5
_NOTABLE = 0.01  # of AUC, lost when a fact is shuffled
_NAMED = 3


@probe(
    "metadata", question="Can the class be told from the header and the extremes of the pixel values, without looking?"
)
def metadata(given: ProbeInput) -> Answer:
    """Gradient boosting on what the header says, on the extremes of the pixel values and on the position along z.

    Learnt on train, measured on val and test; the facts that tell most are those whose permutation costs most on
    validation.
    """
    rows = {split: given.rows(split) for split in Split}
    known = {word: sorted(set(rows[Split.TRAIN][word].astype(str))) for word in WORDS}
    tables = {split: _facts(of_split, known) for split, of_split in rows.items()}
    telling = [str(name) for name, values in tables[Split.TRAIN].items() if len(values.unique()) > 1]
    if not telling:  # every header says the same
        val, test = (score(given, split, np.full(len(rows[split]), 0.5)) for split in (Split.VAL, Split.TEST))
        return Answer(test, val=val)
    model = HistGradientBoostingClassifier(
        max_iter=60,
        min_samples_leaf=10,
        early_stopping=False,
        categorical_features=[word for word in WORDS if word in telling],
        random_state=given.params.seed,
    ).fit(tables[Split.TRAIN][telling], rows[Split.TRAIN].label)
    val, test = (
        score(given, split, model.predict_proba(tables[split][telling])[:, 1]) for split in (Split.VAL, Split.TEST)
    )
    return Answer(test, val=val, because=_strongest(model, tables[Split.VAL][telling], rows[Split.VAL].label, given))


def _strongest(model: Any, facts: pd.DataFrame, label: "pd.Series[int]", given: ProbeInput) -> str:
    if label.nunique() < 2:
        return ""
    cost = permutation_importance(
        model, facts, label, scoring="roc_auc", n_repeats=_REPEATS, random_state=given.params.seed
    ).importances_mean
    strongest = [index for index in np.argsort(-cost, kind="stable")[:_NAMED] if cost[index] > _NOTABLE]
    return ", ".join(str(facts.columns[index]) for index in strongest)


def _facts(rows: pd.DataFrame, known: dict[str, list[str]]) -> pd.DataFrame:
    numbers = rows[list(NUMBERS)].astype(float)
    words = {
        word: pd.Index(categories).get_indexer_for(pd.Index(rows[word].astype(str)))
        for word, categories in known.items()
    }
    return numbers.assign(**{word: np.where(codes < 0, np.nan, codes) for word, codes in words.items()})
