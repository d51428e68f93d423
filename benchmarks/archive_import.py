"""Importing an archive (headers, decoding, shards) against bare single-core pydicom loops over the same files.

One loop only decodes. The other does what an import cannot leave out: Hounsfield units, a digest, a copy on disk.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from benchmarks.archive import compressed_archive, keep_everything, noise_archive
from benchmarks.material import fastest_s, report

SCANS, SLICES, SIZE = 24, 60, 512
COMPRESSED_SCANS = 8


def main() -> None:
    """Print rates and their ratios, of an uncompressed archive and of one in JPEG 2000."""
    _measure("import", noise_archive(SCANS, SLICES, SIZE))
    _measure("import, JPEG 2000", compressed_archive(COMPRESSED_SCANS, SLICES, SIZE))


def _measure(name: str, root: Path) -> None:
    import numpy as np
    import pydicom
    from pydicom.pixels.processing import apply_modality_lut

    from medfake.datasets.build import build_dataset
    from medfake.datasets.scans import collect_scans

    params, out = keep_everything(root, SLICES), Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    files, cores = sorted(root.rglob("*.dcm")), os.cpu_count() or 1

    def ours() -> None:
        collect_scans(params, out / "scans", cores)
        build_dataset(out / "scans", params, out / "set", cores)

    def copying() -> None:
        with (out / "copy").open("wb") as copy:
            for path in files:
                dataset = pydicom.dcmread(path)
                hu = apply_modality_lut(dataset.pixel_array, dataset).astype(np.int16)
                hashlib.sha256(hu.data)
                copy.write(hu.data)

    bare_s = fastest_s(lambda: [pydicom.dcmread(path).pixel_array.sum() for path in files], 2)
    copying_s, ours_s = fastest_s(copying, 2), fastest_s(ours, 2)
    rates = {"decoding": bare_s, "decoding, digest and copy": copying_s, "medfake": ours_s}
    print(f"{name}: " + ", ".join(f"{work} {len(files) / seconds:.0f} slices/s" for work, seconds in rates.items()))
    goal = f">={0.8 * cores:.1f} (0.8 x cores)"
    report(name, copying_s / ours_s, "pydicom, HU, SHA-256 and a copy on one core", goal)
    report(name, bare_s / ours_s, "pydicom.dcmread+pixel_array on one core", goal)
