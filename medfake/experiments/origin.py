"""What a training comes from: its data set and the code."""

from dataclasses import dataclass
from typing import Any

from medfake.datasets.dataset import Dataset
from medfake.package.card import words_of
from medfake.project import Project
from medfake.tracking.revisions import dvc_lock_sha256, git_revision
from medfake.tracking.study_run import study_label, study_run
from medfake.tracking.tags import KIND_TAG, PARENT_TAG, STUDY_TAG, Kind


@dataclass(frozen=True)
class Origin:
    """A data set and the revision of the code that learns from it.

    Attributes:
        dataset: Open.
        git_revision: Of the code; "unknown" outside of a repository.
        dvc_lock_sha256: Of dvc.lock; None where there is none.
    """

    dataset: Dataset
    git_revision: str
    dvc_lock_sha256: str | None

    @classmethod
    def here(cls, project: Project, dataset: Dataset) -> "Origin":
        """As things stand in a project."""
        return cls(dataset, git_revision(project.root), dvc_lock_sha256(project.dvc_lock))

    def facts(self) -> dict[str, Any]:
        """Fields of a `Card`."""
        return {
            "dataset": self.dataset.name,
            "dataset_sha256": self.dataset.digest,
            "evidence": self.dataset.evidence,
            "protocol": self.dataset.protocol,
            "view": self.dataset.view,
            "modality": self.dataset.modality,
            "body_parts": self.dataset.body_parts,
            "sources_apart": self.dataset.sources_apart,
            "git_revision": self.git_revision,
            "dvc_lock_sha256": self.dvc_lock_sha256,
            **words_of(self.dataset.modality),
        }

    def tags(self) -> dict[str, str]:
        """Tags of an MLflow run."""
        words = words_of(self.dataset.modality)
        told = {**self.facts(), "body_parts": ", ".join(self.dataset.body_parts) or None}
        return {name: "none" if value is None else str(value) for name, value in told.items() if name not in words}


def run_tags(project: Project, origin: Origin, hardware: str) -> dict[str, str]:
    """Tags of the MLflow run of a training: its place below the run of its study, and what it comes from.

    Args:
        project: Its run of the study is begun where there is none.
        origin: Of the training.
        hardware: In words.
    """
    params = project.params
    return {
        KIND_TAG: Kind.TRAINING,
        STUDY_TAG: study_label(params.study),
        PARENT_TAG: study_run(project),
        **origin.tags(),
        "positive": params.evaluation.positive,
        "hardware": hardware,
    }
