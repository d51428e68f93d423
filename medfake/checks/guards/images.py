"""What the images must show, and where their sites must be."""

from typing import Final

import numpy as np
import pandas as pd

from medfake.checks.guards.limits import Limits, between, beyond
from medfake.checks.guards.registry import Findings, examples, guard
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.views.registry import VIEWS, view_of
from medfake.remedies import DATASET, Stage, rerun
from medfake.vocabulary import Manipulation

HU_RANGE: Final = (-4096, 4095)
AIR_RANGE: Final = (0.01, 0.99)  # share of a whole slice: air and tissue are both there
AERATED_HU: Final = -500
"""A cut of the lungs may hold no air around the patient, but its darkest voxel is lung, at least as dark as this."""
TISSUE_HU: Final = -200
"""Vessels and walls: the brightest voxel of a cut is at least this bright."""


@guard(
    "values",
    rule="Hounsfield units lie within -4096..4095, with air and tissue both present",
    remedy="look at the named slices: a wrong rescale slope or intercept, or slices without a patient",
)
def values(data: Dataset, params: DatasetParams) -> Findings:
    """Extremes of each slice; of whole slices also the share of air, which a cut of the lungs need not have.

    Neither need slices that a generator made: how well it draws air is not what is guarded here.
    """
    low, high = HU_RANGE
    whole = VIEWS[params.view.name].whole
    limits: dict[str, Limits] = {
        "hu_min": (low, high if whole else AERATED_HU),
        "hu_max": (low if whole else TISSUE_HU, high),
    }
    limits |= {"air_fraction": AIR_RANGE} if whole else {}
    table = data.manifest[["slice_id", "hu_min", "hu_max", "air_fraction"]]
    taken = data.manifest.manipulation != Manipulation.GENERATED
    table = table.assign(air_fraction=table.air_fraction.where(taken))
    wrong = table[np.any([beyond(table[name], ends) for name, ends in limits.items()], axis=0)]
    air = table.air_fraction
    figures = f"HU {table.hu_min.min()}..{table.hu_max.max()}, air {air.min():.2f}..{air.max():.2f} of a slice; "
    return Findings(table, between(limits), f"{figures}{len(wrong)} slices outside{examples(wrong)}")


@guard(
    "sizes",
    rule="every image has the size of the data set's view",
    remedy=rerun(Stage.SLICES, DATASET),
)
def sizes(data: Dataset, params: DatasetParams) -> Findings:
    """Sizes of the images; whole slices may have any."""
    from great_expectations import expectations as gxe

    table = data.manifest.groupby(["rows", "cols"]).size().rename("slices").reset_index()
    view = view_of(params.view)
    wanted = [view.shape(*size) for size in zip(table.rows.tolist(), table.cols.tolist(), strict=True)]
    table["wanted_rows"], table["wanted_cols"] = zip(*wanted, strict=True) if wanted else ([], [])
    same = [gxe.ExpectColumnPairValuesToBeEqual(column_A=f"wanted_{edge}", column_B=edge) for edge in ("rows", "cols")]
    told = ", ".join(f"{row.slices} of {row.rows} x {row.cols} px" for row in table.itertuples())
    return Findings(table, [*same, *between(dict.fromkeys(("rows", "cols"), (1, None)))], f"{params.view.name}: {told}")


@guard(
    "sites inside",
    rule="every labelled site lies inside its slice",
    remedy="mend the rows of the label file whose x or y is outside the image",
)
def sites_inside(data: Dataset, _: DatasetParams) -> Findings:
    """Room between the pixel of each site and the image's edges; copies may have shifted or turned theirs out."""
    sited = data.manifest[data.manifest.site_y.notna() & (data.manifest["transform"] == "")]
    table = pd.DataFrame(
        {
            "from_first_row": sited.site_y,
            "to_last_row": sited.rows - 1 - sited.site_y,
            "from_first_column": sited.site_x,
            "to_last_column": sited.cols - 1 - sited.site_x,
        }
    )
    room = -0.5, None  # a pixel reaches half of one beyond its centre, and a view may average several
    outside = sited[~(table >= room[0]).all(axis=1)]
    figures = f"{len(outside)} of {len(sited)} sites outside their slice{examples(outside)}"
    return Findings(table, between(dict.fromkeys(table.columns, room)), figures)
