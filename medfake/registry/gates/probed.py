"""Was its data set probed for shortcuts?"""

from typing import TYPE_CHECKING

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.remedies import Stage, make

if TYPE_CHECKING:
    from medfake.probes.report import ProbeReport


@gate("probed")
def probed(case: Case) -> Ruling:
    """Say whether the probes' report of the challenger's data is here.

    Probes look and do not repair, and data of elsewhere cannot be probed here, so that `promote.unmeasured` decides.
    """
    if probe_report(case) is None:
        remedy = make(Stage.PROBE, case.challenger.dataset)
        return case.unmeasured("its data set was not probed for shortcuts here", remedy)
    return Ruling(True, "its data set was probed for shortcuts")


def probe_report(case: Case) -> "ProbeReport | None":
    """What the probes found in the very data that the challenger learnt from; None when it is not here."""
    from medfake.probes.report import read_probes

    path = case.project.probes / f"{case.challenger.dataset}.json"
    report = read_probes(path) if path.exists() else None
    return report if report and report.dataset_sha256 == case.challenger.dataset_sha256 else None
