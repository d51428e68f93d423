"""All that a training is given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from medfake.config import Section
from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Around
from medfake.detectors.registry import DetectorSpec
from medfake.training.run_state import RunState
from medfake.training.trained import OnEpoch

Spec = TypeVar("Spec", bound=DetectorSpec)
Options = TypeVar("Options", bound=Section)


@dataclass(frozen=True, kw_only=True)
class TrainingContext(Generic[Spec, Options]):
    """One training of one detector.

    Attributes:
        spec: Of the detector.
        options: From `validate_options`.
        dataset: Learnt from train, chosen on val; test is not looked at.
        seed: Same seed, same detector.
        features: Folder of what trainings with any seed share; filled when it is not there.
        state: Of this training; one that was cut short goes on.
        on_epoch: Told the epoch and its losses.
        around: Reads slices around those of the data set, as far as the family looks; None where it does not look, or
            where nobody knows the scans.
    """

    spec: Spec
    options: Options
    dataset: Dataset
    seed: int
    features: Path
    state: RunState
    on_epoch: OnEpoch
    around: Around | None = None
