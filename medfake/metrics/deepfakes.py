"""Generated slices as detectors of a data set see them, each with the class that the generator was asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.config import ViewParams
from medfake.datasets.sources.generated import read_generated, read_table
from medfake.datasets.views.registry import Place, view_of
from medfake.dicom.reader import read_slice
from medfake.dicom.series import find_series
from medfake.errors import DataError
from medfake.files import path_text
from medfake.remedies import Stage, rerun


@dataclass(frozen=True)
class Deepfakes:
    """Slices that no patient has.

    Attributes:
        hu: (images, rows, cols) int16 Hounsfield units.
        asked: (images,) 1 where a nodule was asked for.
        spacing_mm: (images,) between their rows and columns.
    """

    hu: NDArray[np.int16]
    asked: NDArray[np.int8]
    spacing_mm: NDArray[np.float64]


def read_deepfakes(folder: Path, view: ViewParams) -> Deepfakes:
    """Read what stage `generate` wrote.

    Args:
        folder: With generated.csv.
        view: Of the data set whose detectors will see them.

    Raises:
        SourceError: None of the slices is there.
        LabelError: The table is missing or lacks a column.
        DataError: A slice has nothing for the view, or only one class was asked for.
    """
    asked_of = {row["file"]: int(row["nodule"]) for row in read_table(folder)}
    headers = [scan.series.headers[0] for scan in read_generated(folder, find_series).scans]
    asked = np.array([asked_of[path_text(one.path.relative_to(folder))] for one in headers], np.int8)
    shown = view_of(view)
    cuts = [shown.cut(read_slice(one), Place(np.nan, np.nan, False, one.spacing_mm[0])) for one in headers]
    if None in cuts:
        raise DataError(
            "a generated slice has nothing for the view of the data set", where=folder,
            received=f"view {view.name}", remedy="set the generator's size to that of the data set's view",
        )  # fmt: skip
    if len(set(asked.tolist())) < 2:
        raise DataError(
            "deepfakes of one class say nothing of a drop", where=folder, received=f"{len(asked)} of class {asked[0]}",
            remedy=rerun(Stage.GENERATE, folder.name),
        )  # fmt: skip
    kept: list[Any] = [cut.pixels for cut in cuts if cut is not None]
    spacing_mm = [one.spacing_mm[0] / cut.scale for one, cut in zip(headers, cuts, strict=True) if cut is not None]
    return Deepfakes(np.stack(kept), asked, np.array(spacing_mm, np.float64))
