"""Scoring a whole scan through a package against the floor: one bare forward pass of its graph over the same slices.

What is on top of the floor: lung in view, aggregation along z, sites in three dimensions. With `MEDFAKE_BENCH_PACKAGE`
in the environment that package is measured, and a ResidualCNN without training otherwise.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.material import fastest_s, phantom_scan, report

REPEATS = 3


def main() -> None:
    """Print rates and their ratio."""
    import numpy as np

    from medfake.dicom.reader import read_volume
    from medfake.dicom.series import find_series
    from medfake.package.scan_scorer import open_package
    from medfake.package.scorer import RUN, Scorer

    series = find_series(phantom_scan())[0][0]
    volume, z_mm = read_volume(series.headers), series.z_mm
    folder = Path(os.environ.get("MEDFAKE_BENCH_PACKAGE") or untrained(volume[:2]))
    scorer, bare = open_package(folder), Scorer(folder / "detector.onnx")
    spacing = series.headers[0].spacing_mm
    parts = [slice(at, at + RUN) for at in range(0, len(volume), RUN)]
    floor_s = fastest_s(lambda: list(bare.score_each(volume[part] for part in parts)), REPEATS)
    ours_s = fastest_s(lambda: scorer.score_scan(((volume[part], z_mm[part]) for part in parts), spacing), REPEATS)
    size = " x ".join(map(str, np.shape(volume)[1:]))
    rates = f"{len(volume) / floor_s:.1f} slices/s, whole scan {len(volume) / ours_s:.1f} slices/s"
    print(f"scan-package: {scorer.card.detector}, {len(volume)} slices of {size}: forward pass {rates}")
    report("scan-package", ours_s / floor_s, "ONNX Runtime on slices in memory", "<=1.25")


def untrained(slices: Any) -> Path:
    """A ResidualCNN as it is before training, with a card."""
    from medfake.detectors.forensic.residual_cnn import build_residual_cnn
    from medfake.package.card import Card, write_card
    from medfake.package.export import export_keras
    from medfake.training.keras_setup import import_keras
    from medfake.vocabulary import Evidence

    import_keras(1)
    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    agreement = export_keras(build_residual_cnn(4)[1], folder, slices)
    card = Card(
        detector="ResidualCNN", options={}, seed=1, dataset="none", dataset_sha256="0" * 64, evidence=Evidence.PHANTOM,
        protocol="grouped", parameters=None, localises=True, threshold=0.5, threshold_rule="none",
        scan_threshold_low=0.5, scan_threshold_high=0.5, calibration={}, weights={"kind": "none"}, metrics={},
        agreement=agreement, git_revision="unknown", dvc_lock_sha256=None, mlflow_run_id=None,
    )  # fmt: skip
    write_card(card, folder)
    return folder
