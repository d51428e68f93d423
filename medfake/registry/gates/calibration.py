"""Is its P(tampered) a probability?"""

from typing import TYPE_CHECKING

from medfake.registry.gates.gate import Case, Ruling, gate

if TYPE_CHECKING:
    from medfake.package.measured import Reliability


@gate("calibration")
def calibrated(case: Case) -> Ruling:
    """Refuse probabilities that are further from shares than the study allows, on the validation slices.

    Verdicts compare P with thresholds and people read it as a chance, so that a wrong one misleads although the ranking
    is right. The predictions that were stored with the version are read, else what its card keeps; a version with
    neither cannot be asked.
    """
    ceiling = case.params.calibration_error
    if ceiling is None:
        return Ruling(True, "the study sets no calibration error")
    found = _found(case)
    if found is None:
        said = "how well it is calibrated is not known: no validation predictions were registered with it"
        return case.unmeasured(said, "register a detector that was trained here")
    told = f"expected calibration error {found.ece:.3f}, Brier score {found.brier:.3f} on validation"
    if found.ece <= ceiling:
        return Ruling(True, f"{told}: at most {ceiling:g} is allowed")
    return Ruling(
        False,
        f"{told}, more than {ceiling:g}",
        "`calibration: temperature` in the detector's block of params.yaml, or raise promote.calibration_error",
    )


def _found(case: Case) -> "Reliability | None":
    from medfake.metrics.before_calibration import reliability
    from medfake.registry.rescore import stored_predictions

    rows = stored_predictions(case.challenger, case.package)
    if rows is not None:
        return reliability(rows["label"].to_numpy(dtype=float), rows["p_tampered"].to_numpy(dtype=float))
    return case.card.calibrated.after if case.card.calibrated else None
