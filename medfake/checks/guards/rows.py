"""What every row of the manifest must say."""

from typing import Any, Final

import pandas as pd

from medfake.checks.guards.limits import Limits, between, beyond
from medfake.checks.guards.registry import Findings, examples, guard
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.remedies import DATASET, Stage, rerun
from medfake.vocabulary import Manipulation, Split

_AT_A_SITE: Final = (Manipulation.INJECTED, Manipulation.REMOVED)

RANGES: Final[dict[str, Limits]] = {  # column -> lowest and highest possible value
    "z_index": (0, 1e5),
    "distance_mm": (0, 2000),
    "spacing_mm": (0.05, 10),
    "thickness_mm": (0, 50),
    "air_fraction": (0, 1),
    "bits_stored": (1, 32),
    "intercept": (-65536, 65536),
}


@guard(
    "words",
    rule="labels, splits, manipulations and views use the known words, and all slices are of one modality",
    remedy=rerun(Stage.SLICES, DATASET),
)
def words(data: Dataset, params: DatasetParams) -> Findings:
    """Value sets."""
    from great_expectations import expectations as gxe

    known: dict[str, list[Any]] = {
        "label": [0, 1],
        "split": list(Split),
        "manipulation": list(Manipulation),
        "view": [params.view.name],
        "modality": [params.modality],
    }
    wanted = [gxe.ExpectColumnValuesToBeInSet(column=name, value_set=words_) for name, words_ in known.items()]
    table = data.manifest[list(known)]
    found = {name: sorted(map(str, table[name].unique())) for name in known}
    return Findings(table, wanted, "; ".join(f"{name} {', '.join(values)}" for name, values in found.items()))


@guard(
    "labels agree",
    rule="a slice is labelled tampered exactly when it names a manipulation, and only then a generator; "
    "a tampered place has a site",
    remedy=f"{rerun(Stage.SLICES, DATASET)}; if it stays, mend the rows of the label file that the named slices "
    "come from",
)
def labels_agree(data: Dataset, _: DatasetParams) -> Findings:
    """Slices whose columns contradict each other."""
    from great_expectations import expectations as gxe

    manifest = data.manifest
    named = manifest.manipulation != Manipulation.NONE
    contradicts = {
        "label against manipulation": (manifest.label == 1) != named,
        "generator of an untampered slice": ~named & (manifest.generator.fillna("") != ""),
        "tampered place without a site": manifest.manipulation.isin(_AT_A_SITE) & manifest.site_y.isna(),
    }
    table = pd.DataFrame({"slices": [int(one.sum()) for one in contradicts.values()]})
    told = [f"{int(one.sum())} {what}{examples(manifest[one])}" for what, one in contradicts.items()]
    return Findings(table, [gxe.ExpectColumnValuesToBeBetween(column="slices", max_value=0)], ", ".join(told))


@guard(
    "ranges",
    rule="spacing, thickness, positions and stored values are possible ones",
    remedy="look at the named slices: their headers hold values that no scanner writes; leave the series out",
)
def ranges(data: Dataset, _: DatasetParams) -> Findings:
    """Lowest and highest value of each column that has limits."""
    table = data.manifest[["slice_id", *RANGES]]
    wrong = {name: table[beyond(table[name], limits)] for name, limits in RANGES.items()}
    told = [
        f"{name} of {len(rows)} slices outside {RANGES[name][0]}..{RANGES[name][1]}{examples(rows)}"
        for name, rows in wrong.items()
        if len(rows)
    ]
    sound = f"spacing {table.spacing_mm.min():.2f}..{table.spacing_mm.max():.2f} mm"
    return Findings(table, between(RANGES), "; ".join(told) or sound)
