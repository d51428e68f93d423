"""Importing an archive (headers, decoding, shards) against a bare single-core pydicom loop over the same files."""

import os
import tempfile
from pathlib import Path

from benchmarks.archive import keep_everything, noise_archive
from benchmarks.material import fastest_s, report

SCANS, SLICES, SIZE = 24, 60, 512


def main() -> None:
    """Print rates and their ratio."""
    import pydicom

    from medfake.datasets.build import build_dataset
    from medfake.datasets.scans import collect_scans

    root = noise_archive(SCANS, SLICES, SIZE)
    params, out = keep_everything(root, SLICES), Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    files, cores = sorted(root.rglob("*.dcm")), os.cpu_count() or 1

    def ours() -> None:
        collect_scans(params, out / "scans", cores)
        build_dataset(out / "scans", params, out / "set", cores)

    bare_s = fastest_s(lambda: [pydicom.dcmread(path).pixel_array.sum() for path in files], 2)
    ours_s = fastest_s(ours, 2)
    print(f"import: bare pydicom {len(files) / bare_s:.0f} slices/s, medfake {len(files) / ours_s:.0f} slices/s")
    report("import", bare_s / ours_s, "pydicom.dcmread+pixel_array on one core", f">={0.8 * cores:.1f} (0.8 x cores)")
