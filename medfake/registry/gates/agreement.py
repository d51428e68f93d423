"""Is what is served what was trained?"""

from medfake.package.card import LARGEST_DIFFERENCE
from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.remedies import Stage, rerun


@gate("agreement")
def served_as_trained(case: Case) -> Ruling:
    """Refuse a graph whose scores of real slices were not those of the trained model when it was exported.

    The card keeps that difference, and the gate `unaltered` that graph and card are still the same; `loads` runs the
    graph once more. No flag overrules it: figures of another function say nothing.
    """
    agreement, card = case.card.agreement, case.card
    told = f"ONNX and trained model differ by {agreement.max_abs_difference:.1e} on {agreement.slices} slices"
    if agreement.slices and agreement.max_abs_difference <= LARGEST_DIFFERENCE:
        return Ruling(True, f"{told}, of at most {LARGEST_DIFFERENCE:g}")
    return Ruling(
        False,
        f"{told}: at most {LARGEST_DIFFERENCE:g} on at least one is allowed",
        rerun(Stage.TRAIN, card.dataset, card.detector, card.seed),
    )
