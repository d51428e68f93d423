"""What the labels of the nodule task must rest on."""

import numpy as np
import pandas as pd

from medfake.checks.guards.limits import between
from medfake.checks.guards.registry import NOT_ASKED_FOR, Findings, examples, guard
from medfake.config import DatasetParams, NodulesLabelling
from medfake.datasets.dataset import Dataset
from medfake.remedies import DATASET, Stage, rerun

_ROUNDING_MM = 1e-3


@guard(
    "outlines agree",
    rule="a slice is labelled as showing a nodule exactly where one is outlined, and no other is near one",
    remedy=rerun(Stage.SLICES, DATASET),
)
def outlines_agree(data: Dataset, params: DatasetParams) -> Findings:
    """Distance along z, measured anew from the outlines, of slices with and without a nodule."""
    if not isinstance(params.labelling, NodulesLabelling):
        return Findings(pd.DataFrame(), [], "no task of nodules", NOT_ASKED_FOR)
    outlines = data.sites[["scan_id", "low_mm", "high_mm"]].dropna()
    pairs = data.manifest[["slice_id", "scan_id", "z_mm", "label"]].merge(outlines, on="scan_id", how="left")
    sides = pd.concat([pairs.low_mm - pairs.z_mm, pairs.z_mm - pairs.high_mm], axis=1)
    gaps = sides.max(axis=1).clip(lower=0).fillna(np.inf)  # none outlined
    table = pairs.assign(gap_mm=gaps).groupby("slice_id", sort=False)[["label", "gap_mm"]].min()
    least = params.labelling.ignore_mm
    wrong = np.where(table.label == 1, table.gap_mm > _ROUNDING_MM, table.gap_mm < least - _ROUNDING_MM)
    named = examples(table[wrong].reset_index())
    figures = f"{int((table.label == 1).sum())} slices with a nodule, {int((table.label == 0).sum())} without and at "
    figures += f"least {least:g} mm from one; {int(wrong.sum())} break that{named}"
    return Findings(pd.DataFrame({"wrong": wrong.astype(int)}), between({"wrong": (0, 0)}), figures)
