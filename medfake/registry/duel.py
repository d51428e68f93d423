"""Challenger and champion on the same validation slices: a paired test over their patients."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medfake.metrics.binary import measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.significance import paired_difference
from medfake.package.card import read_card
from medfake.project import Project
from medfake.registry.compared import Compared
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.rescore import data_of, predictions_on, stored_predictions
from medfake.registry.versions import Version
from medfake.vocabulary import PositiveClass

if TYPE_CHECKING:
    import pandas as pd

    from medfake.datasets.dataset import Dataset


@dataclass(frozen=True)
class Sides:
    """What both say of the validation slices of one data set.

    Attributes:
        anew: Versions whose graphs scored these slices just now, and may have learnt from some of them.
    """

    challenger: "pd.DataFrame"
    champion: "pd.DataFrame"
    anew: tuple[int, ...]


def both_sides(challenger: Version, champion: Version, registry: ModelRegistry, project: Project) -> Sides | None:
    """Predictions of both on one data set: the one that they share, the challenger's, or the champion's.

    Args:
        challenger: In the registry.
        champion: Likewise.
        registry: Where both are.
        project: Of the data sets: what was not stored with a version is scored anew where its data lie.

    Returns:
        None where there is no data set that both can be asked about.

    Raises:
        RegistryError: The files of one are gone or altered.
        MedfakeError: One that is scored anew does not take these slices, see `predictions_on`.
    """
    if challenger.dataset_sha256 == champion.dataset_sha256:
        return _on(data_of(challenger, project.slices), challenger, champion, registry, project, shared=True)
    for owner in (challenger, champion):
        dataset = data_of(owner, project.slices)
        if dataset is not None:
            return _on(dataset, challenger, champion, registry, project, shared=False)
    return None


def _on(
    dataset: "Dataset | None",
    challenger: Version,
    champion: Version,
    registry: ModelRegistry,
    project: Project,
    *,
    shared: bool,
) -> Sides | None:
    said, anew = {}, []
    for version in (challenger, champion):
        own = shared or (dataset is not None and version.dataset_sha256 == dataset.digest)
        rows = stored_predictions(version, registry.files(version)) if own else None
        if rows is None:
            if dataset is None:
                return None
            rows = predictions_on(version, dataset, registry, project)
            anew.append(version.number)
        said[version.number] = rows
    return Sides(said[challenger.number], said[champion.number], tuple(anew))


def compare(
    sides: Sides, challenger: Version, champion: Version, registry: ModelRegistry, bootstrap: Bootstrap
) -> Compared | None:
    """Measure both by the challenger's figure, each at its own stored threshold.

    Args:
        sides: What both say.
        challenger: Its metric and the class that this is of count.
        champion: The other one.
        registry: Where both are.
        bootstrap: Resamples patients.

    Returns:
        None where the slices that both scored do not define the figure. No interval where they are of one patient:
        nothing can be said of others then.
    """
    metric, positive = challenger.metric or "auc", PositiveClass(challenger.positive)
    cuts = [read_card(registry.package(one)).threshold for one in (challenger, champion)]
    first, second = _shared(sides.challenger, sides.champion), _shared(sides.champion, sides.challenger)
    difference = paired_difference(
        first, second, bootstrap, metric=metric, thresholds=(cuts[0], cuts[1]), positive=positive
    )
    if difference is None:
        return None
    interval = difference.interval if difference.unit == "patients" else None
    own, other = (
        measure(rows, cut, positive).values()[metric] for rows, cut in zip((first, second), cuts, strict=True)
    )
    return Compared(
        metric=metric,
        value=own,
        champion=other,
        difference=difference.value,
        interval=(interval.low, interval.high) if interval else None,
        confidence=bootstrap.confidence,
        slices=len(first),
        patients=int(first["patient_id"].nunique()),
    )


def _shared(rows: "pd.DataFrame", others: "pd.DataFrame") -> "pd.DataFrame":
    return rows[rows["slice_id"].isin(others["slice_id"])]
