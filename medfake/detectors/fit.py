"""Train any detector: its family knows how."""

from typing import Any

from medfake.detectors.context import TrainingContext
from medfake.detectors.families import family_of
from medfake.errors import TrainingError
from medfake.training.trained import Trained


def fit(context: TrainingContext[Any, Any]) -> Trained:
    """Train a detector.

    Raises:
        TrainingError: It cannot be built or trained, or a package that it needs is not installed.
    """
    try:
        return family_of(context.spec).fit(context)
    except ModuleNotFoundError as error:
        raise TrainingError(
            "a package that this detector needs is not installed", where=f"detectors.{context.spec.name}",
            received=error, remedy=f"pip install {error.name}, or leave the detector out of train.detectors",
        ) from error  # fmt: skip
