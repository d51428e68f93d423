"""One scan of a phantom set, planned: everything that its bytes depend on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medfake.vocabulary import LabelCode, Modality

LESIONS_OF: Final = {LabelCode.FM: 0, LabelCode.FB: 1, LabelCode.TM: 1, LabelCode.TB: 0}
"""Real nodules or lesions of a patient whose scan has a label of that type."""


@dataclass(frozen=True)
class PlannedScan:
    """One scan to be made.

    Attributes:
        folder: Where its files go.
        scanner: Of the modality's kind.
        nodules: Real ones, or lesions.
        manipulation: Its name; None for an untampered scan.
        scout: Whether a localizer lies beside it.
        type: In the label file; None for a scan that has no row.
        experiment: Of the CT-GAN tree, 0 elsewhere.
        uuid: What the label file calls it.
        outlined: Whether its nodules are outlined in XML, as LIDC-IDRI has it.
    """

    folder: Path
    patient_id: str
    scanner: Any
    seed: tuple[int, ...]
    slices: int
    nodules: int
    manipulation: str | None
    scout: bool = False
    type: LabelCode | None = None
    experiment: int = 0
    uuid: str = ""
    modality: Modality = Modality.CT
    outlined: bool = False
