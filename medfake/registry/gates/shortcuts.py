"""Does its data set give the class away?"""

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.registry.gates.probed import probe_report
from medfake.remedies import Stage, make


@gate("shortcuts", overrule="--despite-shortcuts", flag_help="Although probes found a shortcut in its data set.")
def no_shortcuts(case: Case) -> Ruling:
    """Refuse a challenger whose data set tells the class without the manipulation.

    Where no probe looked, `promote.unmeasured` decides, as for the gate `probed`.
    """
    report = probe_report(case)
    if report is None:
        return case.unmeasured("no probe looked for a shortcut", make(Stage.PROBE, case.challenger.dataset))
    if not report.shortcuts:
        count = len(report.undecided)
        unsure = f", but {count} of {len(report.findings)} could not rule one out" if count else ""
        return Ruling(True, f"probes found no shortcut in its data set{unsure}")
    found = "; ".join(f"{one.name}: {one.sentence}" for one in report.findings if one.shortcut)
    return Ruling(
        False,
        f"the data set that it learnt from has a shortcut ({found})",
        "mend the data set, or medfake promote --despite-shortcuts",
    )
