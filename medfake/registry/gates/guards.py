"""Did its data set pass the guards?"""

from typing import TYPE_CHECKING

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.remedies import Stage, make, rerun

if TYPE_CHECKING:
    from medfake.checks.suite import CheckReport


@gate("guards")
def guards_passed(case: Case) -> Ruling:
    """Refuse a version whose data set broke a guard, or was not looked at by one although it lies here.

    No flag overrules it: patients on both sides or labels that disagree make every other figure worthless. DVC trains
    on nothing that broke a guard, so a report that is missing means data of elsewhere, whose guards cannot be asked
    here; `promote.unmeasured` says what becomes of those.
    """
    from medfake.checks.guards.registry import GUARDS
    from medfake.registry.rescore import data_of

    name, report = case.challenger.dataset, _report(case)
    if report is None:
        if data_of(case.challenger, case.project.slices) is None:
            said = "whether its data set passed the guards is not known: neither it nor a report of it is here"
            return case.unmeasured(said, f"dvc pull, or {make(Stage.CHECK, name)}, where its data are; or train here")
        return Ruling(False, "the guards have not looked at its data set", make(Stage.CHECK, name))
    unasked = sorted(set(GUARDS) - {one.name for one in report.results})
    if report.failed:
        broken = ", ".join(one.name for one in report.failed)
        said = f"its data set broke {len(report.failed)} of {len(report.results)} guards: {broken}"
        return Ruling(False, said, "; ".join(dict.fromkeys(one.remedy for one in report.failed)))
    if unasked:
        return Ruling(
            False, f"its data set was not asked by all guards: {', '.join(unasked)}", rerun(Stage.CHECK, name)
        )
    return Ruling(True, f"its data set passed all {len(report.results)} guards")


def _report(case: Case) -> "CheckReport | None":
    """Of the very data that the version learnt from; None when it is not here."""
    from medfake.checks.suite import read_report

    path = case.project.checks / f"{case.challenger.dataset}.json"
    report = read_report(path) if path.exists() else None
    return report if report and report.dataset_sha256 == case.challenger.dataset_sha256 else None
