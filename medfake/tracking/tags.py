"""Tags by which runs are told apart and found again."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

PARENT_TAG: Final = "mlflow.parentRunId"  # MLflow's own: its pages show a run below its parent
NOTE_TAG: Final = "mlflow.note.content"  # MLflow's own: the description of a run, in Markdown
KIND_TAG: Final = "kind"
STUDY_TAG: Final = "study"
SETTING: Final = "setting."  # stands before the name of an option among a run's params
ERROR_TAG: Final = "error"  # what ended a run: our own errors in full, of others the kind alone


class Kind(StrEnum):
    """What a run is, as its tag says."""

    STUDY = "study"  # all trainings and searches of a study are below it
    SEEDS = "seeds"  # trainings that differ in their seed alone are below it
    TRAINING = "training"
    SEARCH = "tune"
    TRIAL = "trial"
    GENERATOR = "generator"


def is_training(tags: Mapping[str, str]) -> bool:
    """Whether a run is a training of the matrix; runs older than kinds are, unless they are below a search."""
    kind = tags.get(KIND_TAG)
    return kind == Kind.TRAINING if kind else PARENT_TAG not in tags
