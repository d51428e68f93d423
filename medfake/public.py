"""What `import medfake` offers beside classes and decorators: short ways for those who write Python."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medfake.config import ChoosingMetric
from medfake.dicom.reader import read_volume
from medfake.dicom.series import Series, find_series
from medfake.errors import SourceError
from medfake.files import path_text
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare as compare_entries
from medfake.reports.comparison import Comparison
from medfake.reports.entry import read_entries
from medfake.serving.model import Model, open_here
from medfake.serving.report import ScanReport
from medfake.serving.scan import scan_paths
from medfake.vocabulary import Modality


def read_series(folder: str | Path, modality: str = Modality.CT) -> tuple[Series, NDArray[np.int16]]:
    """Read the one series of a folder.

    Args:
        folder: Anything else in it is passed over.
        modality: "CT", "MR" or "X-ray".

    Returns:
        The series, its headers sorted along the body, and its pixels: (slices, rows, cols) int16 Hounsfield units, or
        those of the modality.

    Raises:
        SourceError: The folder holds no series of the modality, or several.
        DicomError: A slice cannot be decoded.
    """
    series, skipped = find_series(Path(folder), modality=Modality(modality))
    if len(series) != 1:
        raise SourceError(
            f"one {Modality(modality).noun} was looked for", where=path_text(Path(folder)),
            received=f"{len(series)} series, {len(skipped)} files that belong to none",
            remedy="name a folder with one series, or look with medfake data inspect",
        )  # fmt: skip
    return series[0], read_volume(series[0].headers)


def open_model(wanted: str | Path | None = None) -> Model:
    """Open a detector to scan with, without TensorFlow.

    Args:
        wanted: A package folder or its detector.onnx; "builtin"; a version or an alias in the registry of the project
            that the working folder belongs to; its champion when left out, or the built-in detector where there is
            none.

    Raises:
        RegistryError: There is no such version.
        ManifestError: The package is not whole.
    """
    return open_here(None if wanted is None else str(wanted))


def scan(paths: Sequence[str | Path], model: Model | None = None, jobs: int = 1) -> ScanReport:
    """Say of every scan below some paths whether it was tampered with.

    Args:
        paths: Folders or files.
        model: From `open_model`; what that opens by itself when left out.
        jobs: Processes that read headers.

    Raises:
        ScanError: A path is missing.
    """
    return scan_paths([Path(path) for path in paths], model or open_model(), jobs)


def compare(
    packages: Sequence[str | Path], bootstrap: Bootstrap | None = None, metric: ChoosingMetric = "auc"
) -> Comparison:
    """Put trainings side by side on their test splits, with intervals.

    Args:
        packages: Folders of packages with their predictions; those that are not there are named in the notes.
        bootstrap: Number of resamples, confidence and seed.
        metric: Of test slices, that ranks: auc, h, accuracy or f1.

    Raises:
        ManifestError: None of them is there, or a run comes twice.
    """
    entries, absent = read_entries([Path(package) for package in packages])
    return compare_entries(entries, bootstrap, absent, metric=metric)
