"""What the sources must have given."""

from typing import Any

import pandas as pd

from medfake.checks.guards.registry import NOT_ASKED_FOR, Findings, examples, guard
from medfake.config import DatasetParams, ExtentLabelling
from medfake.datasets.dataset import Dataset
from medfake.remedies import DATASET, Stage, make, rerun
from medfake.vocabulary import TAMPERED_CODES

_ROUNDING_MM = 1e-3
_LABEL_FACTS = ("rows", "used", "left_out", "places")


@guard(
    "expected counts",
    rule="every source has the number of scans and slices that params.yaml expects",
    remedy=f"complete the download and run {make(Stage.SLICES, DATASET)}, or mend datasets.{DATASET}.expect",
)
def expected_counts(data: Dataset, params: DatasetParams) -> Findings:
    """Scans and slices seen of each source, against `expect`."""
    from great_expectations import expectations as gxe

    seen = data.facts.get("seen", {})
    rows = [
        (source, of, number, int(seen.get(source, {}).get(of, 0)))
        for source, counts in (params.expect or {}).items()
        for of, number in counts.model_dump(exclude_none=True).items()
    ]
    if not rows:
        there = [f"{source} {counts['scans']} scans and {counts['slices']} slices" for source, counts in seen.items()]
        return Findings(pd.DataFrame(), [], ", ".join(["nothing is expected", *there]), NOT_ASKED_FOR)
    table = pd.DataFrame(rows, columns=["source", "of", "expected", "seen"])
    table["off"] = (table.expected - table.seen).abs()
    wanted = gxe.ExpectColumnValuesToBeBetween(column="off", max_value=0)
    return Findings(table, [wanted], ", ".join(f"{source} {is_} of {want} {of}" for source, of, want, is_ in rows))


@guard(
    "labels used",
    rule="every row of a label file is used in a scan, or was left out with a word, and every place that it names is "
    "among the sites",
    remedy=f"{make(Stage.SLICES, DATASET)}; if it stays, mend what problems.json of the scans names",
)
def labels_used(data: Dataset, _: DatasetParams) -> Findings:
    """Rows read, used and left out of each source's label files, and places named against places stored."""
    from great_expectations import expectations as gxe

    labels = data.facts.get("labels", {})
    rows = [{"of": of, **{name: int(counts.get(name, 0)) for name in _LABEL_FACTS}} for of, counts in labels.items()]
    table = pd.DataFrame(rows, columns=["of", *_LABEL_FACTS])
    table["lost"] = (table["rows"] - table.used - table.left_out).abs()
    stray = abs(int(table.places.sum()) - len(data.sites))
    total = pd.DataFrame([{"of": "all", **dict.fromkeys(_LABEL_FACTS, 0), "lost": stray}])
    each = [f"{row.of} {row.used} of {row.rows} label rows used, {row.left_out} left out" for row in table.itertuples()]
    figures = [*(each or ["no labels were counted"]), f"{int(table.places.sum())} places, {len(data.sites)} sites"]
    wanted = [
        gxe.ExpectColumnValuesToBeBetween(column="lost", max_value=0),
        gxe.ExpectTableRowCountToBeBetween(min_value=2),
    ]
    return Findings(pd.concat([table, total], ignore_index=True), wanted, "; ".join(figures))


@guard(
    "clean negatives",
    rule="no slice of a tampered scan that may hold a trace of the manipulation serves as real",
    remedy=rerun(Stage.SLICES, DATASET),
)
def clean_negatives(data: Dataset, params: DatasetParams) -> Findings:
    """Distance along z, measured anew from the sites, of the real slices of tampered scans."""
    from great_expectations import expectations as gxe

    tampered = data.sites.loc[data.sites.kind.isin(TAMPERED_CODES), ["scan_id", "z_mm"]]
    real = data.manifest.loc[data.manifest.label == 0, ["slice_id", "scan_id", "z_mm"]]
    pairs = real.merge(tampered, on="scan_id", suffixes=("", "_of_site"))
    pairs["distance_mm"] = (pairs.z_mm - pairs.z_mm_of_site).abs()
    table = pairs.groupby("slice_id", sort=False)[["distance_mm"]].min().reset_index()
    near = table
    wanted: Any = gxe.ExpectTableRowCountToEqual(value=0)
    allowed = f"none is allowed under {params.labelling.rule}"
    if isinstance(params.labelling, ExtentLabelling):
        least = params.labelling.ignore_mm
        near = table[table.distance_mm < least - _ROUNDING_MM]
        wanted = gxe.ExpectColumnValuesToBeBetween(column="distance_mm", min_value=least - _ROUNDING_MM)
        allowed = f"allowed from {least:g} mm"
    nearest = f", the nearest {table.distance_mm.min():.1f} mm away" if len(table) else ""
    figures = f"{len(table)} real slices of tampered scans{nearest}; {allowed}, {len(near)} break that{examples(near)}"
    return Findings(table, [wanted], figures)
