"""Gates with a floor or a ceiling of params.yaml: both sides of each, and what cannot be asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from medfake.config import PromoteParams
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.robustness.curves import RobustnessReport, RunRobustness
from medfake.metrics.timings import PackageTiming, StepTime, Timings, this_machine
from medfake.metrics.within_slice import Figure
from medfake.package.card import ONNX_FILE, PREDICTIONS_FILE, graph_digests
from medfake.package.measured import Calibrated, Reliability
from medfake.registry.gates.gate import GATES, Case, Ruling
from medfake.vocabulary import Evidence
from tests.registry.conftest import MakeCase


def _rule(gate: str, case: Case) -> Ruling:
    return GATES[gate].judge(case)


@pytest.mark.parametrize(("val", "passes"), [(0.6, True), (0.59, False)])
def test_a_figure_below_its_floor_is_refused(val: float, passes: bool, make_case: MakeCase) -> None:
    ruling = _rule("metrics", make_case(val=val))
    assert ruling.passed is passes
    assert f"auc {val:.4f}" in ruling.sentence
    assert passes or str(ruling.remedy).endswith("promote.metrics in params.yaml")


def test_every_floor_that_is_set_is_asked(make_case: MakeCase) -> None:
    ruling = _rule("metrics", make_case(PromoteParams(metrics={"auc": 0.5, "f1": 0.9, "h": 0.85}), val=0.8))
    assert ruling.sentence == "validation f1 0.8000 is below 0.9, h 0.8000 is below 0.85"


def test_a_study_may_set_no_floor(make_case: MakeCase) -> None:
    assert _rule("metrics", make_case(PromoteParams(metrics={}), val=0.1)).passed


@pytest.mark.parametrize(("patients", "passes"), [(5, True), (4, False), (1, False)])
def test_too_few_validation_patients_say_nothing_of_others(patients: int, passes: bool, make_case: MakeCase) -> None:
    ruling = _rule("patients", make_case(patients={"val": patients}))
    assert ruling.passed is passes
    assert ("a single validation patient" if patients == 1 else f"{patients} validation patients") in ruling.sentence
    assert passes or str(ruling.remedy).endswith("medfake promote --despite-few-patients")


@pytest.mark.parametrize(("ceiling", "passes"), [(0.10, True), (0.09, False)])
def test_probabilities_far_from_shares_are_refused(ceiling: float, passes: bool, make_case: MakeCase) -> None:
    # of 200 slices 180 have the P of their class within 0.02, and 20 tampered ones 0.01
    ruling = _rule("calibration", make_case(PromoteParams(calibration_error=ceiling), val=0.8))
    assert ruling.passed is passes
    assert "expected calibration error 0.093, Brier score 0.098" in ruling.sentence


def test_without_predictions_the_card_tells_its_calibration(make_case: MakeCase) -> None:
    good, bad = (Reliability(ece=ece, brier=0.2, bins=()) for ece in (0.1, 0.3))
    case = make_case(val=None, calibrated=Calibrated(slices=9, before=bad, after=good).model_dump())
    assert _rule("calibration", case).sentence.startswith("expected calibration error 0.100")


def test_predictions_that_were_not_registered_are_not_believed(make_case: MakeCase) -> None:
    case = make_case()
    path = case.package / PREDICTIONS_FILE
    path.write_bytes(path.read_bytes() + b" ")
    assert "is not known" in _rule("calibration", case).sentence


def _robust(case: Case, drop: float | None, threshold: float = 0.5) -> None:
    nothing = Figure(None)
    run = RunRobustness(
        detector="ResidualCNN", seed=1, threshold=threshold, robustness_drop=Figure(drop), hit_rate_drop=nothing,
        white_box_drop=nothing, curves=(),
    )  # fmt: skip
    RobustnessReport(
        dataset="chest", dataset_sha256="d" * 64, evidence=Evidence.PHANTOM, protocol="grouped", slices=20, tampered=10,
        patients=5, unit="patients", seed=1, bootstrap=Bootstrap(), runs={"chest/ResidualCNN/seed-1": run},
    ).write(case.project.robustness / "chest.json")  # fmt: skip


@pytest.mark.parametrize(("drop", "passes"), [(0.25, True), (0.2501, False)])
def test_a_detector_that_perturbations_ruin_is_refused(drop: float, passes: bool, make_case: MakeCase) -> None:
    case = make_case()
    _robust(case, drop)
    ruling = _rule("robustness", case)
    assert ruling.passed is passes
    assert "0.250 of its AUC on 20 test slices" in ruling.sentence


def test_robustness_of_another_training_of_that_name_is_not_its_own(make_case: MakeCase) -> None:
    case = make_case()
    _robust(case, 0.9, threshold=0.4)
    assert "was not measured here" in _rule("robustness", case).sentence


def test_a_card_tells_its_robustness_without_a_report(make_case: MakeCase) -> None:
    lost = {"clean": {"slice_auc": 0.9}, "blur": {"slice_auc": 0.7}, "jpeg": {"slice_auc": 0.4}}
    ruling = _rule("robustness", make_case(robustness=lost, robustness_on="genuine"))
    assert (ruling.passed, ruling.sentence) == (
        False,
        "perturbations take 0.350 of its AUC on genuine, on average, more than 0.25",
    )


@pytest.mark.parametrize(("beyond", "passes"), [(0, True), (1, False)])
def test_graphs_larger_than_allowed_are_refused(beyond: int, passes: bool, make_case: MakeCase) -> None:
    case = make_case()
    size = (case.package / ONNX_FILE).stat().st_size
    case = replace(case, params=PromoteParams(size_mb=(size - beyond) / 1e6))
    assert _rule("size", case).passed is passes


def _timed(case: Case, each_ms: tuple[float, ...]) -> None:
    timing = PackageTiming(
        steps={1: StepTime(each_ms), 8: StepTime(each_ms)}, rows=512, cols=512, graph_bytes=1, parameters=3,
        graphs=graph_digests(case.package),
    )  # fmt: skip
    Timings(this_machine(), {"chest/ResidualCNN/seed-1": timing}).write(case.project.timings)


@pytest.mark.parametrize(("each_ms", "passes"), [((4000.0, 6000.0), True), ((4000.0, 6000.1), False)])
def test_what_was_timed_on_this_machine_is_not_timed_again(
    each_ms: tuple[float, ...], passes: bool, make_case: MakeCase
) -> None:
    case = make_case()
    _timed(case, each_ms)
    ruling = _rule("latency", case)
    assert ruling.passed is passes
    assert "as stage timings measured here" in ruling.sentence


def test_a_package_that_nobody_timed_is_timed_now(make_case: MakeCase) -> None:
    case = make_case()
    assert "ms a slice measured now" in _rule("latency", case).sentence
    slow = _rule("latency", replace(case, params=PromoteParams(slice_ms=1e-6)))
    assert not slow.passed
    assert str(slow.remedy).endswith("medfake promote --despite-latency")


@pytest.mark.parametrize(
    ("difference", "slices", "passes"),
    [(1e-4, 4, True), (1.01e-4, 4, False), (float("nan"), 4, False), (0.0, 0, False)],
)
def test_a_graph_that_is_not_what_was_trained_is_refused(
    difference: float, slices: int, passes: bool, make_case: MakeCase
) -> None:
    case = make_case()
    agreement = case.card.agreement.model_copy(update={"max_abs_difference": difference, "slices": slices})
    case = replace(case, card=case.card.model_copy(update={"agreement": agreement}))
    assert _rule("agreement", case).passed is passes


@pytest.mark.parametrize("gate", ["calibration", "guards", "metrics", "patients", "probed", "robustness", "shortcuts"])
def test_what_nobody_measured_is_told_or_refused_as_the_study_says(gate: str, make_case: MakeCase) -> None:
    case = make_case(val=None)
    told = _rule(gate, case)
    assert (told.passed, told.measured) == (True, False)
    refused = _rule(gate, replace(case, params=PromoteParams(unmeasured="refuse")))
    assert (refused.passed, refused.sentence) == (False, told.sentence)
    assert refused.remedy


def test_a_graph_of_one_size_is_timed_with_slices_of_that_size(make_case: MakeCase, tmp_path: Path) -> None:
    import onnx

    case = make_case()
    model = onnx.load(case.package / ONNX_FILE)
    for axis in (1, 2):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = 128
    onnx.save(model, case.package / ONNX_FILE)
    ruling = _rule("latency", case)
    assert ruling.passed
    assert "ms a slice measured now" in ruling.sentence
