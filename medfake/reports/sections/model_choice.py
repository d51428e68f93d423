"""The rule by which Alsabbagh and Al-Kadi chose their networks, and what it picks among those of medfake."""

from medfake.detectors.backbone.choice import LARGEST, WHOLE_LINES, Choice, choose_backbones
from medfake.reports.papers import read_table
from medfake.reports.parts import Cell, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section

_PAPER = "alsabbagh"


@section("model-choice", order=22)
def model_choice(given: ReportInput) -> Section | None:
    """Of studies that are set beside that paper."""
    beside = [one.published for one in given.params.datasets.values() if one.published]
    if _PAPER not in {one.paper for one in beside}:
        return None
    trained = set(given.params.train.detectors)
    theirs = {row["model"] for row in read_table("alsabbagh_table1")}
    choices = choose_backbones()
    lines = [_row(one, theirs, trained) for one in choices]
    rule = (
        f"The rule (appendix A): of each line the largest network with at most {LARGEST / 1e6:.0f} million weights; "
        f"of {' and '.join(WHOLE_LINES)} all. Weights are counted here with the paper's head; networks are those of "
        "`medfake backbones` that have ImageNet weights."
    )
    parts: list[Part] = [
        _found(choices, theirs),
        rule,
        Table(
            caption="What the rule picks, line by line.",
            head=("Line", "Picked", "Weights with head, millions", "In the paper", "In this study", "Passed over"),
            rows=lines,
        ),
    ]
    return Section(heading="Model choice", nav="Model choice", parts=parts)


def _found(choices: list[Choice], theirs: set[str]) -> str:
    picked = {spec.name for one in choices for spec in one.chosen}
    both = f"The paper's rule picks {len(picked)} networks of medfake, {len(picked & theirs)} of them the paper's own."
    only_theirs, only_ours = sorted(theirs - picked), sorted(picked - theirs)
    other = f" It has {', '.join(only_theirs)} where the rule as printed gives another." if only_theirs else ""
    further = f" The others are {', '.join(only_ours)}." if only_ours else ""
    return both + other + further


def _row(one: Choice, theirs: set[str], trained: set[str]) -> list[Cell | str]:
    millions = [(spec.parameters_with_head() or 0) / 1e6 for spec in one.chosen]
    names = [spec.name for spec in one.chosen]
    own = [spec.name for spec in (*one.chosen, *one.passed_over)]
    return [
        one.line,
        ", ".join(names) or "none: all are too large",
        Cell(", ".join(f"{value:.1f}" for value in millions), max(millions, default=None)),
        ", ".join(name for name in own if name in theirs),
        ", ".join(name for name in own if name in trained),
        ", ".join(spec.name for spec in one.passed_over),
    ]
