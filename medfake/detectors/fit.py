"""Train any detector by its name."""

from pathlib import Path
from typing import cast

from medfake.config import Section
from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.classical.options import PixelOptions
from medfake.detectors.forensic.options import ResidualCNNOptions
from medfake.detectors.registry import detector_spec
from medfake.training.run_state import RunState
from medfake.training.trained import OnEpoch, Trained


def fit(
    name: str, options: Section, dataset: Dataset, seed: int, on_epoch: OnEpoch, features: Path, state: RunState
) -> Trained:
    """Train a detector; the family of its name decides how.

    Args:
        name: In the registry.
        options: From `validate_options(name, ...)`.
        dataset: Learnt from train, chosen on val; test is not looked at.
        seed: Same seed, same detector.
        on_epoch: Told the epoch and its figures.
        features: Folder of a backbone's features; filled when they are not there.
        state: Of this training; networks that were cut short go on.

    Raises:
        UnknownDetectorError: No detector has this name.
        TrainingError: It cannot be built or trained.
    """
    spec = detector_spec(name)
    if spec.family == "backbone":
        from medfake.detectors.backbone.fit import train_two_phase

        return train_two_phase(spec, cast("BackboneOptions", options), dataset, seed, on_epoch, features, state)
    if spec.family == "forensic":
        from medfake.detectors.forensic.fit import train_forensic

        return train_forensic(cast("ResidualCNNOptions", options), dataset, seed, on_epoch, state)
    from medfake.detectors.classical.fit import train_classical

    return train_classical(spec, cast("PixelOptions", options), dataset, seed, on_epoch)
