"""How the scans of a training looked: written into its package as reference.json."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from medfake.datasets.dataset import Dataset
from medfake.files import sha256_file
from medfake.metrics.predictions import scan_table
from medfake.metrics.scans import decide
from medfake.package.card import ONNX_FILE, Card
from medfake.package.pixel_statistics import PixelLook
from medfake.package.reference import REFERENCE_FILE, Values, make_reference, write_reference
from medfake.package.scan_statistics import word, yes_no
from medfake.progress import track
from medfake.vocabulary import Evidence, Split


def write_training_reference(dataset: Dataset, predictions: pd.DataFrame, card: Card, folder: Path) -> None:
    """Write how the scans of a data set look, and what the detector says of untampered ones that it has not seen.

    Pixels and headers are of the train and val scans, of both classes: what the detector learnt from and was chosen by.
    A data set keeps some slices of a scan, so that scores and numbers of slices are told, but are none of whole scans.
    Only detectors of whole slices scan, so that other views have no reference.

    Args:
        dataset: That it learnt from.
        predictions: One run's rows, columns of `predictions.COLUMNS`.
        card: Of the package.
        folder: Of the package; its graph is there.
    """
    if dataset.view != "whole":
        return
    manifest = dataset.manifest
    seen = manifest[manifest.split.isin([Split.TRAIN, Split.VAL]) & (manifest["transform"] == "")]
    scans = [own for _, own in seen.sort_values(["scan_id", "z_mm"], kind="stable").groupby("scan_id", sort=True)]
    inputs = [_inputs(dataset, own) for own in track(scans, "looking at scans", len(scans))]
    worth = "" if dataset.evidence is Evidence.CLINICAL else f" ({dataset.evidence})"
    reference = make_reference(
        inputs,
        list(_scores(predictions, card)),
        of=f"the train and val scans of data set {dataset.name}{worth}, some slices of each",
        evidence=dataset.evidence,
        whole=False,
        graph=sha256_file(folder / ONNX_FILE),
    )
    write_reference(folder / REFERENCE_FILE, reference)


def _inputs(dataset: Dataset, rows: pd.DataFrame) -> Values:
    """Statistics of one scan's slices."""
    first = dict(rows.iloc[0])
    look = PixelLook(len(rows), (first["spacing_mm"], first["spacing_mm"]), dataset.modality.units)
    look(dataset.mapped(rows))
    return {
        **vars(look.statistics),
        "thickness_mm": None if pd.isna(first["thickness_mm"]) else float(first["thickness_mm"]),
        "spacing_mm": float(first["spacing_mm"]),
        "n_slices": float(len(rows)),
        "maker": word(_said(first["manufacturer"])),
        "kernel": word(_said(first["kernel"])),
        "rows": str(int(first["rows"])),
        "lossy": yes_no(rows.lossy.any()),
        "transfer_syntax": word(_said(first["transfer_syntax"])),
    }


def _scores(predictions: pd.DataFrame, card: Card) -> Iterable[Values]:
    """Of each untampered scan of the val and test splits, whose patients the detector did not learn from."""
    untampered = scan_table(predictions)
    untampered = untampered[untampered.label == 0]
    middle = predictions.groupby("scan_id")["p_tampered"].median()
    for p, scan_id in zip(untampered.p_tampered.tolist(), untampered.scan_id.tolist(), strict=True):
        decided = decide(p, card.scan_threshold_low, card.scan_threshold_high)
        yield {"p_tampered": p, "slice_p": float(middle[scan_id]), "verdict": str(decided)}


def _said(value: object) -> str:
    """A word of the manifest, which may be null."""
    return value if isinstance(value, str) else ""
