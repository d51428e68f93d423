"""What the validation and the test split hold, counted."""

from dataclasses import dataclass

from medfake.reports.comparison import Result
from medfake.vocabulary import Split


@dataclass(frozen=True)
class SplitFacts:
    """What a split holds, for the table of facts."""

    name: str
    patients: int
    scans: int
    slices: int
    tampered: int
    manipulations: str


def split_facts(result: Result) -> tuple[SplitFacts, ...]:
    """Count patients, scans and slices of the validation and the test split."""
    facts = []
    for name, word in ((Split.VAL, "validation"), (Split.TEST, "test")):
        own = result.entry.split(name)
        counts = own.loc[own["label"] == 1, "manipulation"].value_counts().sort_index()
        facts.append(
            SplitFacts(
                word,
                own["patient_id"].nunique(),
                own["scan_id"].nunique(),
                len(own),
                int(own["label"].sum()),
                ", ".join(f"{count} {manipulation}" for manipulation, count in counts.items()) or "none",
            )
        )
    return tuple(facts)
