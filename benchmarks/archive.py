"""An archive on disk: reals and tampered scans of noise, of which a data set keeps every slice."""

import tempfile
from functools import lru_cache
from pathlib import Path

from medfake.config import DatasetParams


@lru_cache(maxsize=4)
def noise_archive(scans: int, slices: int, size: int) -> Path:
    """Folder with `scans` scans, half of them tampered throughout, in the layout of one's own scans."""
    import numpy as np

    from medfake.dicom.writer import SeriesTemplate, write_series

    root = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    rng = np.random.default_rng(1)
    positions = np.array([(0.0, 0.0, 2.0 * index) for index in range(slices)])
    rows = ["scan,type,slice,x,y"]
    for number in range(scans):
        name = f"{number:04d}"
        volume = rng.integers(-1000, 400, (slices, size, size), np.int16)
        template = SeriesTemplate(
            patient_id=f"p{name}", manufacturer="M", model="M", kernel="K", thickness_mm=2.0, spacing_mm=(0.7, 0.7)
        )
        write_series(root / name, volume, positions, template, uid_seed=name, synthetic=None)
        if number % 2:
            rows.append(f"{name},FM,{slices // 2},{size // 2},{size // 2}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def keep_everything(root: Path, slices: int) -> DatasetParams:
    """A data set that keeps every slice of the archive."""
    source = {"kind": "folder", "path": str(root)}
    return DatasetParams.model_validate(
        {
            "reals": source,
            "fakes": source,
            "identifiers": "public",
            "labelling": {"rule": "neighbours", "k": slices},
            "split": {"protocol": "grouped", "val": 0.2, "test": 0.2, "seed": 1},
            "balance": {"tolerance": 0.02, "seed": 1},
        }
    )


@lru_cache(maxsize=1)
def compressed_archive(scans: int, slices: int, size: int) -> Path:
    """The same, its pixels smoothed like tissue and stored as lossless JPEG 2000, as many archives keep them."""
    import numpy as np
    import pydicom
    from joblib import Parallel, delayed
    from scipy.ndimage import gaussian_filter

    def compress(path: Path) -> None:
        dataset = pydicom.dcmread(path)
        smooth = gaussian_filter(dataset.pixel_array.astype(np.float32), 2).astype(dataset.pixel_array.dtype)
        dataset.PixelData = smooth.tobytes()
        dataset.compress(pydicom.uid.JPEG2000Lossless)
        dataset.save_as(path)

    root = noise_archive.__wrapped__(scans, slices, size)
    Parallel(n_jobs=-1)(delayed(compress)(path) for path in sorted(root.rglob("*.dcm")))
    return root
