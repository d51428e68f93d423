"""What the figures of a report do not say."""

from medfake.reports.comparison import Comparison
from medfake.reports.parts import Section
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import RESEARCH_ONLY
from medfake.vocabulary import Evidence

_PERFECT = 0.9995
_MANY = 50  # patients; with fewer an AUC of 0.9 has an interval of about 0.1
_UNSEEN = (
    "A detector finds what resembles the manipulations that it learnt from. Of generators, scanners and "
    "reconstructions that no data set here holds, these figures say nothing."
)
_RARE = (
    "P(tampered) holds for the share of tampered slices in the data; where tampering is rare, most alarms are false "
    "even at a high specificity. PPV at 0.1, 1 and 10 % is among the further figures."
)


@section("limits", order=90)
def limits(given: ReportInput) -> Section:
    """What must not be read into the figures."""
    return Section(heading="Limits", nav="Limits", parts=[*_of(given.comparison), _UNSEEN, _RARE, RESEARCH_ONLY])


def _of(comparison: Comparison) -> list[str]:
    sentences = []
    for name in comparison.datasets:
        results = comparison.of(name)
        best = results[0]
        if best.entry.evidence is not Evidence.CLINICAL:
            sentences.append(f"Data set {name}: {best.entry.evidence.sentence}")
        if best.slices.clusters < _MANY:
            sentences.append(
                f"Data set {name}: {best.slices.clusters} {best.slices.unit} were tested; differences of a few "
                "hundredths cannot be seen with so few."
            )
        perfect = [result.entry.detector for result in results if (result.slices.metrics.auc or 0) >= _PERFECT]
        if perfect:
            sentences.append(
                f"Data set {name}: {', '.join(dict.fromkeys(perfect))} made no error in the order of the test slices. "
                "That is more often a fault of the data than a merit: look at the probes, and try scans of other "
                "sources before believing it."
            )
    return sentences
