"""Is what is served what was trained?"""

from medfake.package.card import AGGREGATION_FILE, LARGEST_DIFFERENCE, ONNX_FILE
from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.remedies import Stage, rerun

_SLICES = 4


@gate("agreement")
def served_as_trained(case: Case) -> Ruling:
    """Refuse a graph whose scores are not those of the trained model, or not those that its figures are made of.

    The card keeps how far ONNX and the trained model were apart when it was exported; to ask the trained model again
    would load TensorFlow. The graph is asked again where its data lie here: some validation slices, against the
    predictions that were registered with it. Those of a stack are out of fold, and those of a package that judges whole
    scans come from its aggregation, so that theirs are not asked again. No flag overrules it: figures of another
    function say nothing.
    """
    agreement, card = case.card.agreement, case.card
    again = rerun(Stage.TRAIN, card.dataset, card.detector, card.seed)
    told = f"ONNX and trained model differ by {agreement.max_abs_difference:.1e} on {agreement.slices} slices"
    if not (agreement.slices and agreement.max_abs_difference <= LARGEST_DIFFERENCE):
        return Ruling(False, f"{told}: at most {LARGEST_DIFFERENCE:g} on at least one is allowed", again)
    difference = _scored_again(case)
    if difference is None:
        return Ruling(True, f"{told}, of at most {LARGEST_DIFFERENCE:g}")
    scored = f"its scores by {difference:.1e} from those registered"
    if difference <= LARGEST_DIFFERENCE:
        return Ruling(True, f"{told}, {scored}, of at most {LARGEST_DIFFERENCE:g}")
    return Ruling(False, f"{told}, but {scored}: they are of another graph", again)


def _scored_again(case: Case) -> float | None:
    """Largest difference between what the graph says of some slices and what was registered; None where none are."""
    from medfake.detectors.registry import DETECTORS
    from medfake.package.scorer import Scorer
    from medfake.registry.rescore import data_of, stored_predictions

    rows, dataset = stored_predictions(case.challenger, case.package), data_of(case.challenger, case.project.slices)
    own = case.card.detector in DETECTORS and not (case.package / AGGREGATION_FILE).is_file()
    if rows is None or dataset is None or not own:
        return None
    registered = rows[rows["fold"].isna()].set_index("slice_id")["p_tampered"]
    some = dataset.manifest[dataset.manifest["slice_id"].isin(registered.index)].head(_SLICES)
    if some.empty:
        return None
    said = Scorer(case.package / ONNX_FILE).score(dataset.slices(some)).p_tampered
    return float(abs(said - registered.loc[some["slice_id"]].to_numpy()).max())
