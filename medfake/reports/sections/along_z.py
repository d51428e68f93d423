"""Whether what is learnt along z is any better than the window rule on the same maps."""

from collections.abc import Iterator, Sequence
from typing import Final

from medfake.detectors.registry import DETECTORS
from medfake.detectors.sequence.slice_gru import FAMILY, WINDOW_RULE
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.delong import ScanAucDifference, scan_auc_difference
from medfake.metrics.significance import Difference, paired_difference
from medfake.reports.comparison import Result
from medfake.reports.parts import Cell, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import data_text, interval_text, number_text, run_text
from medfake.vocabulary import Split

_HEAD: Final = ("Detector", "Over", "AUC", "AUC of the window rule", "Difference", "Verdict")


@section("along z", order=19)
def along_z(given: ReportInput) -> Section | None:
    """Each sequence detector against the window rule of the same seed; nothing where the study has not trained both."""
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        pairs = list(_pairs(results))
        if pairs:
            parts += _of_dataset(pairs, results, given.comparison.bootstrap)
    return Section(heading="Along z", nav="Along z", parts=parts) if parts else None


def _pairs(results: Sequence[Result]) -> Iterator[tuple[Result, Result]]:
    """What was learnt along z, and the rule with the same seed."""
    rules = {one.entry.seed: one for one in results if one.entry.detector == WINDOW_RULE}
    for one in results:
        name, seed = one.entry.detector, one.entry.seed
        if name in DETECTORS and DETECTORS[name].family == FAMILY and name != WINDOW_RULE and seed in rules:
            yield one, rules[seed]


def _of_dataset(
    pairs: Sequence[tuple[Result, Result]], results: Sequence[Result], bootstrap: Bootstrap
) -> Sequence[Part]:
    rows: list[list[Cell | str]] = []
    below: dict[str, None] = {}
    for learnt, rule in pairs:
        first, second = learnt.entry.split(Split.TEST), rule.entry.split(Split.TEST)
        slices = paired_difference(first, second, bootstrap)
        scans = scan_auc_difference(learnt.scan_scores, rule.scan_scores, bootstrap)
        for over, found in (("slices", slices), ("scans", scans)):
            aucs = [getattr(one, over).metrics.auc for one in (learnt, rule)]
            rows.append(_row(run_text(learnt, results), over, aucs, found))
            if found is not None and _is_below(found):
                below[run_text(learnt, results)] = None
    said = f"by {' and '.join(below)} is below" if below else "is nowhere shown to be below"
    sentence = (
        f"On {data_text(pairs[0][0])} what is learnt along z {said} the window rule, which takes the mean of a place "
        "within 8 mm, half and half with the slice alone."
    )
    caption = (
        "AUC on the test split, with the same trunk and seed, and the difference with its interval: patients are "
        "resampled, or scans where there is one patient, and both are computed on the same ones. Of a scan the slices "
        "of the data set and those around them are known."
    )
    return [sentence, Table(caption=caption, head=_HEAD, rows=rows)]


def _row(
    name: str, over: str, of_both: Sequence[float | None], found: Difference | ScanAucDifference | None
) -> list[Cell | str]:
    aucs = [Cell(number_text(one), one) for one in of_both]
    if found is None:
        return [name, over, *aucs, "n/a", "n/a"]
    verdict = "no interval" if found.interval is None else "below" if _is_below(found) else "not below"
    return [name, over, *aucs, Cell(f"{found.value:+.3f}", found.value, interval_text(found.interval)), verdict]


def _is_below(found: Difference | ScanAucDifference) -> bool:
    """Whether the whole interval lies below 0."""
    return found.interval is not None and found.interval.high < 0
