"""Reading training slices through the manifest against numpy.load of the same array."""

import tempfile
from pathlib import Path

from benchmarks.archive import keep_everything, noise_archive
from benchmarks.material import fastest_s, report

SCANS, SLICES, SIZE = 12, 40, 256
_BATCH = 16


def main() -> None:
    """Print rates and their ratio."""
    import numpy as np

    from medfake.datasets.build import build_dataset
    from medfake.datasets.dataset import Dataset
    from medfake.datasets.scans import collect_scans

    params, out = (
        keep_everything(noise_archive(SCANS, SLICES, SIZE), SLICES),
        Path(tempfile.mkdtemp(prefix="medfake-bench-")),
    )
    collect_scans(params, out / "scans", 2)
    build_dataset(out / "scans", params, out / "set", 2)
    data = Dataset.open(out / "set")
    mib = len(data.manifest) * SIZE * SIZE * 2 / 2**20
    bare_s = fastest_s(lambda: np.load(data.folder / "shard-000.npy"))
    ours_s = fastest_s(lambda: sum(batch.nbytes for batch in data.batches(data.manifest, _BATCH)))
    print(f"shards: numpy.load {mib / bare_s:.0f} MiB/s, batches of {_BATCH} {mib / ours_s:.0f} MiB/s")
    report("shards", bare_s / ours_s, "numpy.load of the whole shard", ">=0.5 (a network reads below 100 MiB/s)")
