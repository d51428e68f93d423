"""What guards and probes found on every data set of the comparison."""

from pathlib import Path

from medfake.checks.suite import CheckReport, read_report
from medfake.probes.report import ProbeReport, read_probes
from medfake.remedies import Stage, make
from medfake.reports.parts import Cell, Details, Part, Row, Section, Table
from medfake.reports.sections.registry import ReportInput, section

_HEAD = ("Data set", "Question", "AUC", "Verdict", "What it means")


@section("guards", order=75)
def guards_and_probes(given: ReportInput) -> Section:
    """Rules that hold, and what each data set gives away besides the manipulation."""
    names = given.comparison.datasets
    checked = {name: given.reports / "checks" / f"{name}.json" for name in names}
    probed = {name: given.reports / "probes" / f"{name}.json" for name in names}
    checks = {name: read_report(path) for name, path in checked.items() if path.is_file()}
    probes = {name: read_probes(path) for name, path in probed.items() if path.is_file()}
    parts: list[Part] = [_found(probes), *_missing(checked, Stage.CHECK), *_missing(probed, Stage.PROBE)]
    if probes:
        parts.append(_probe_table(probes))
    parts += [Details(summary=_kept(one), parts=[_rule_table(one)]) for one in checks.values()]
    return Section(heading="Guards and probes", nav="Guards and probes", parts=parts)


def _found(probes: dict[str, ProbeReport]) -> str:
    given_away = [f"{name} ({', '.join(one.shortcuts)})" for name, one in probes.items() if one.shortcuts]
    unclear = [f"{name} ({', '.join(one.undecided)})" for name, one in probes.items() if one.undecided]
    sentences = [
        f"A shortcut tells the class without the manipulation: {', '.join(given_away)}. Figures on it measure the "
        "shortcut as well."
        if given_away
        else "No probe found a shortcut that tells the class without the manipulation."
    ]
    if unclear:
        sentences.append(f"Too few patients to tell: {', '.join(unclear)}.")
    return " ".join(sentences)


def _missing(files: dict[str, Path], stage: Stage) -> list[str]:
    return [
        f"Data set {name}: stage {stage} has not run; `{make(stage, name)}` does."
        for name, path in files.items()
        if not path.is_file()
    ]


def _probe_table(probes: dict[str, ProbeReport]) -> Table:
    lines: list[Row] = [
        [name, f"{one.name}: {one.question}", Cell(str(one.score), one.score.auc), str(one.outcome), one.sentence]
        for name, report in probes.items()
        for one in report.findings
    ]
    return Table(caption="Probes, test split: near 0.5 is as it should be.", head=_HEAD, rows=lines)


def _kept(report: CheckReport) -> str:
    return f"Data set {report.dataset}: {len(report.asked) - len(report.failed)} of {len(report.asked)} rules hold"


def _rule_table(report: CheckReport) -> Table:
    lines = [[one.name, one.rule, _outcome(one.passed, one.waived), one.figures] for one in report.results]
    return Table(
        caption=f"Guards of data set {report.dataset}.", head=("Guard", "Rule", "Outcome", "Figures"), rows=lines
    )


def _outcome(passed: bool, waived: str) -> str:
    if waived:
        return f"asks for nothing here: {waived}"
    return "holds" if passed else "broken"
