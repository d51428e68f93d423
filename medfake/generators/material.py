"""What a generator learns from: slices of one split of a data set, one size, both classes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.errors import TrainingError
from medfake.remedies import Stage, rerun
from medfake.vocabulary import Split

LEAST: Final = 64
"""Slices to learn from: with fewer the discriminator knows them by heart before the generator has learnt anything."""
LEAST_TO_JUDGE: Final = 8
"""Slices of the val split, which samples are set beside."""

Window = tuple[int, int]
"""Lowest and highest HU that is seen."""
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Material:
    """Slices of one split.

    Attributes:
        hu: (slices, size, size) int16 Hounsfield units.
        nodule: (slices, 1) int32, 1 where a slice shows a nodule.
        patients: Pseudonym of each slice's patient.
        spacing_mm: Between rows and columns, the middle one of all slices.
    """

    hu: NDArray[np.int16]
    nodule: NDArray[np.int32]
    patients: NDArray[np.str_]
    spacing_mm: float

    def __len__(self) -> int:
        return len(self.hu)

    @classmethod
    def of(cls, dataset: Dataset, split: Split, size: int, name: str) -> "Material":
        """All slices of a split.

        Args:
            dataset: Whose label says whether a slice shows a nodule.
            split: Train, or val; what is tested is for nobody to see.
            size: Rows and columns that they must have.
            name: For messages: key under `generators`.

        Raises:
            TrainingError: They are too few, of another size, or of one class.
        """
        rows, where = dataset.split(split), f"generators.{name}"
        least = LEAST if split is Split.TRAIN else LEAST_TO_JUDGE
        if len(rows) < least:
            raise TrainingError(
                f"a generator needs at least {least} slices of the {split} split: fewer are learnt by heart, or say "
                "nothing of its samples", where=f"{where}.dataset", received=f"{len(rows)} slices of {dataset.name}",
                remedy=f"add patients to datasets.{dataset.name}, or give its {split} split a larger share",
            )  # fmt: skip
        sizes = sorted({(int(one), int(other)) for one, other in zip(rows.rows, rows.cols, strict=True)})
        if sizes != [(size, size)]:
            told = ", ".join(f"{one} x {other}" for one, other in sizes[:3])
            raise TrainingError(
                f"the generator makes slices of {size} x {size} px, and the data set has others",
                where=f"{where}.size", received=f"{told} px in {dataset.name}",
                remedy=f"set datasets.{dataset.name}.view to {{name: resized, size: {size}}}, then "
                f"{rerun(Stage.SLICES, dataset.name)}",
            )  # fmt: skip
        if rows.label.nunique() < 2:
            raise TrainingError(
                f"the generator is told the class of a slice, and the {split} split has one class alone",
                where=f"{where}.dataset", received=f"label {rows.label.iloc[0]} of all {len(rows)} slices",
                remedy=f"mend datasets.{dataset.name}.labelling, so that some slices show a nodule and others none",
            )  # fmt: skip
        return cls(
            dataset.slices(rows), rows.label.to_numpy(np.int32)[:, None], rows.patient_id.to_numpy(str),
            float(np.median(rows.spacing_mm)),
        )  # fmt: skip

    def scaled(self, window_hu: Window) -> Pixels:
        """(slices, size, size, 1) float32, -1..1 within the window."""
        return scaled(self.hu, window_hu)


def scaled(hu: NDArray[np.int16], window_hu: Window) -> Pixels:
    """Hounsfield units as networks see them.

    Args:
        hu: (slices, size, size) int16.
        window_hu: Lowest and highest that is seen; what lies beyond is as dark or bright as its end.

    Returns:
        (slices, size, size, 1) float32, -1..1.
    """
    low, high = window_hu
    inside = (np.clip(hu, low, high).astype(np.float32) - low) * np.float32(2.0 / (high - low)) - np.float32(1.0)
    return np.asarray(inside[..., None], np.float32)
