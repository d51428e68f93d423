"""How much of it is left after what images go through?"""

from statistics import fmean

from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.remedies import Stage, make

_DIGITS = 6  # of a threshold in the report of robustness


@gate("robustness")
def survives_perturbations(case: Case) -> Ruling:
    """Refuse a version that loses more AUC to noise, compression and resampling than the study allows.

    Attacks that know the detector do not count: no network withstands them. The drop is of test slices, or of scans
    that it has not learnt from: the one figure of theirs that a gate reads, which refuses and ranks nothing. A study
    may measure no robustness, and stacks have none: then `promote.unmeasured` decides.
    """
    most = case.params.robustness_drop
    if most is None:
        return Ruling(True, "the study sets no drop")
    found = _of_card(case) or _of_report(case)
    if found is None:
        remedy = f"`robustness` in params.yaml, then {make(Stage.ROBUSTNESS, case.challenger.dataset)}"
        return case.unmeasured("what perturbations take from it was not measured here", remedy)
    drop, of = found
    told = f"perturbations take {drop:.3f} of its AUC on {of}, on average"
    if drop <= most:
        return Ruling(True, f"{told}: at most {most:g} is allowed")
    return Ruling(
        False,
        f"{told}, more than {most:g}",
        "`adversarial` or more data in the detector's block of params.yaml, or raise promote.robustness_drop",
    )


def _of_card(case: Case) -> tuple[float, str] | None:
    from medfake.metrics.card_figures import CLEAN

    figures = {name: one["slice_auc"] for name, one in case.card.robustness.items() if "slice_auc" in one}
    clean = figures.pop(CLEAN, None)
    if clean is None or not figures:
        return None
    return fmean(clean - value for value in figures.values()), case.card.robustness_on or "scans of elsewhere"


def _of_report(case: Case) -> tuple[float, str] | None:
    """What stage `robustness` found of this very training; the threshold tells it from a later one of the same name."""
    from medfake.metrics.robustness.curves import read_robustness

    card, path = case.card, case.project.robustness / f"{case.challenger.dataset}.json"
    if not path.exists():
        return None
    report = read_robustness(path)
    run = report.runs.get(f"{card.dataset}/{card.detector}/seed-{card.seed}")
    known = run is not None and report.dataset_sha256 == card.dataset_sha256
    if run is None or not known or round(run.threshold, _DIGITS) != round(card.threshold, _DIGITS):
        return None
    drop = run.robustness_drop.value
    return None if drop is None else (drop, f"{report.slices} test slices")
