"""Slices around those of a data set, for detectors that look along z."""

from functools import partial
from typing import Any

from medfake.datasets.neighbours import runs_around
from medfake.datasets.run import Around
from medfake.detectors.families import Family, family_of
from medfake.detectors.registry import DETECTORS
from medfake.project import Project


def reader_around(project: Project, dataset: str, family: Family[Any, Any]) -> Around | None:
    """Reads the scans of a data set as far around its slices as a family looks.

    Args:
        project: Its params say where the scans lie.
        dataset: Name in params.yaml.
        family: Of the detector.

    Returns:
        None where the family has use for no more than the data set's slices.

    Raises:
        ConfigError: The params have no such data set.
    """
    if family.around_mm is None:
        return None
    return partial(runs_around, project.scans / dataset, project.dataset(dataset), reach_mm=family.around_mm)


def reader_for(project: Project, dataset: str, detector: str) -> Around | None:
    """The same by the name that a card gives: what a stored package's predictions were made with.

    Args:
        project: As of `reader_around`, whose errors these are.
        dataset: Likewise.
        detector: Also a stack, which puts slices together that are seen by themselves.
    """
    return reader_around(project, dataset, family_of(DETECTORS[detector])) if detector in DETECTORS else None
