"""Scanning a folder against the floor: one forward pass of the same graph over slices already in memory."""

import tempfile
from pathlib import Path

from benchmarks.material import fastest_s, phantom_scan, report


def main() -> None:
    """Print rates and their ratio."""
    from medfake.detectors.forensic.residual_cnn import build_residual_cnn
    from medfake.dicom.reader import read_volume
    from medfake.dicom.series import find_series
    from medfake.package.export import export_keras
    from medfake.package.scorer import BATCH, Scorer
    from medfake.training.keras_setup import import_keras

    import_keras(1)
    folder = phantom_scan()
    volume = read_volume(find_series(folder)[0][0].headers)
    package = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    export_keras(build_residual_cnn(4)[1], package, volume[:2])
    scorer = Scorer(package / "detector.onnx")
    floor_s = fastest_s(lambda: [scorer.score(volume[at : at + BATCH]) for at in range(0, len(volume), BATCH)])
    ours_s = fastest_s(lambda: scorer.score(read_volume(find_series(folder)[0][0].headers)))
    print(f"scan: forward pass {len(volume) / floor_s:.1f} slices/s, from files {len(volume) / ours_s:.1f} slices/s")
    report("scan", ours_s / floor_s, "ONNX Runtime on slices in memory", "<=1.25")
