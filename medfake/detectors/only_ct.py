"""Refusal of data sets that a detector of lungs cannot learn from."""

from medfake.datasets.dataset import Dataset
from medfake.errors import TrainingError
from medfake.vocabulary import Modality


def require_ct(dataset: Dataset, detector: str, why: str) -> None:
    """Refuse other modalities: their values are no Hounsfield units, so that a rule for lung finds open air in them.

    Args:
        dataset: To learn from.
        detector: Its name.
        why: It knows CT alone, a clause.

    Raises:
        TrainingError: The data set is of another modality.
    """
    if dataset.modality is not Modality.CT:
        raise TrainingError(
            f"{detector} judges no other modality than CT: {why}", where=dataset.name, received=str(dataset.modality),
            remedy=f"leave {detector} out of train.detectors for this data set",
        )  # fmt: skip
