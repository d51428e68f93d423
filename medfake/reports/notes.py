"""What a reader must know before believing a comparison, in words."""

from collections.abc import Sequence

from medfake.datasets.dataset import SOURCES_APART
from medfake.datasets.split import is_leaky
from medfake.metrics.intervals import FEW_CLUSTERS
from medfake.remedies import Stage, make
from medfake.reports.comparison import Comparison, Result
from medfake.reports.entry import Absent
from medfake.reports.sentences import task_text


def evidence_text(comparison: Comparison, dataset: str) -> tuple[str, ...]:
    """What figures on a data set are worth, a sentence for each kind of evidence."""
    kinds = sorted({result.entry.evidence for result in comparison.of(dataset)})
    return tuple(kind.sentence for kind in kinds)


def notes_text(comparison: Comparison, dataset: str) -> tuple[str, ...]:
    """What is missing, and what must be known of the intervals on a data set."""
    others = {one.dataset for one in comparison.absent} - set(comparison.datasets)  # they have no place of their own
    missing = absent_text([one for one in comparison.absent if one.dataset in {dataset, *others}])
    results = comparison.of(dataset)
    return tuple(note for note in (task_text(results[0]), missing, *_notes(results)) if note)


def absent_text(absent: Sequence[Absent]) -> str:
    """Say in a sentence what a study has no package of; "" where nothing is missing."""
    if not absent:
        return ""
    plural = len(absent) > 1
    return (
        f"Missing here, as {'they have' if plural else 'it has'} no package: {', '.join(one.name for one in absent)}. "
        f"`{make(Stage.TRAIN)}` trains {'them' if plural else 'it'}, then `{make(Stage.COMPARE)}` compares anew."
    )


def _notes(results: Sequence[Result]) -> list[str]:
    notes = []
    best = results[0]
    if any(result.entry.sources_apart for result in results):
        notes.append(SOURCES_APART)
    folds = best.entry.folds
    if folds is not None and folds.stand_for_test:
        notes.append(
            f"There is no test split: every patient was tested once, by one of {len(folds.each)} trainings that had "
            "not seen it. Read test as out of fold; each slice is called by the threshold that its own training chose "
            "on yet other patients."
        )
    if best.slices.clusters < 2:
        notes.append("The test split has one scan: there is nothing to resample, so there are no intervals.")
    elif best.slices.unit == "scans":
        notes.append(
            "The test split has one patient: its scans were resampled, so the intervals say nothing of other patients."
        )
    elif best.slices.few:
        notes.append(
            f"The test split has {best.slices.clusters} patients, fewer than {FEW_CLUSTERS}: "
            "the intervals are too narrow, read them as a hint."
        )
    if any(is_leaky(result.entry.protocol) for result in results):
        notes.append(
            "Protocol replica: slices of one patient may be in training and in the test split. These figures are leaky."
        )
    if len({result.entry.dataset_sha256 for result in results}) > 1:
        notes.append("The trainings saw different versions of the data set: `dvc repro` makes them anew.")
    if best.slices.degenerate:
        notes.append(
            f"{best.slices.degenerate} of {best.slices.bootstrap.resamples} resamples had one class only "
            "and were left out."
        )
    if any(measured.metrics.auc is None for measured in (best.slices, best.scans)):
        notes.append("n/a: the test split lacks a class at that level, so the figure is undefined.")
    return notes
