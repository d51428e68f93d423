"""From the database of what was served to the comparison that command and page show."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from medfake.errors import ManifestError
from medfake.package.reference import REFERENCE_FILE, Reference, read_reference
from medfake.serving.model import Model
from medfake.serving.monitoring.comparison import Comparison, compare_served
from medfake.serving.monitoring.known import graph_of, reference_of_served
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import ServedScan, model_digest


def monitor(
    recorder: Recorder,
    model: Model,
    *,
    since: date | None = None,
    reference: Path | None = None,
    baseline: int | None = None,
) -> Comparison:
    """Compare what a detector was served with what it knows.

    Args:
        recorder: Of the database.
        model: Whose scans count.
        since: First day that counts; None for all.
        reference: A reference.json of other scans than the package's own.
        baseline: Compare with so many of the first scans that it was served, whenever that was; they count no more
            among those that are compared.

    Raises:
        ManifestError: The reference is missing or none of ours.
        StorageError: The database cannot be used.
    """
    digest, graph = model_digest(model.folder), graph_of(model)
    served = recorder.served(digest)
    known: Reference | None
    if baseline is not None:
        known, served = _baseline(served, baseline, graph), served[baseline:]
    else:
        known = _reference(model, reference)
    window = [one for one in served if since is None or one.day >= since.isoformat()]
    others = recorder.count_others(digest, since)
    return compare_served(window, known, model=model.name, graph=graph, alarms=model.card.false_alarms, others=others)


def _reference(model: Model, path: Path | None) -> Reference | None:
    found = read_reference(path or model.folder / REFERENCE_FILE)
    if path is not None and found is None:
        raise ManifestError(
            "there is no such reference", where=path, remedy=f"medfake monitor reference FOLDER --out {path}"
        )
    return found


def _baseline(served: Sequence[ServedScan], count: int, graph: str) -> Reference | None:
    first = served[:count]
    if not first:
        return None
    of = f"the first {len(first)} scans that it was served, {first[0].day} to {first[-1].day}"
    return reference_of_served(first, of, graph)
