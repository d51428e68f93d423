"""What a plan adds up, and what it says of hours that nobody measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from medfake.config import load_params
from medfake.detectors.cost import Memory, SplitSizes
from medfake.detectors.families import family_of
from medfake.detectors.registry import detector_spec, validate_options
from medfake.experiments.plan import Line, Plan, make_plan

STUDIES = Path(__file__).resolve().parents[2] / "studies"


def line(detector: str, hours: float | None, trainings: int = 2) -> Line:
    return Line("chest", detector, trainings, 100, None if hours is None else 8.0, hours, 0.5)


def plan(*lines: Line, repeated: int = 0) -> Plan:
    return Plan(lines, repeated, 1.0, (), {})


def test_hours_that_nobody_measured_are_unknown_and_not_none_at_all() -> None:
    found = plan(line("SVM", None), line("RandomForest", None), repeated=3)
    assert found.hours is None
    assert found.repeated_hours is None
    assert found.unmeasured == ["SVM", "RandomForest"]
    assert (found.trainings, found.gigabytes) == (7, 2.0)


def test_hours_of_some_are_those_of_some_and_the_others_are_named() -> None:
    found = plan(line("VGG19", 3.0), line("SVM", None))
    assert found.hours == pytest.approx(3.0)
    assert found.unmeasured == ["SVM"]


def test_hours_of_all_leave_nobody_out() -> None:
    found = plan(line("VGG19", 3.0), line("Xception", 1.0))
    assert found.hours == pytest.approx(4.0)
    assert found.unmeasured == []


def test_repeated_trainings_count_as_average_ones_of_those_measured() -> None:
    found = plan(line("VGG19", 3.0), line("Xception", 1.0), line("SVM", None), repeated=4)
    assert found.repeated_hours == pytest.approx(4 * (1.5 + 0.5) / 2)
    assert found.hours == pytest.approx(4.0 + 4.0)


def test_generators_are_trainings_whose_hours_count_and_no_repeated_ones() -> None:
    found = replace(plan(line("VGG19", 3.0), repeated=2), generators=(line("generator dcgan", 5.0, trainings=1),))
    assert found.trainings == 2 + 1 + 2
    assert found.repeated_hours == pytest.approx(2 * 1.5)
    assert found.hours == pytest.approx(3.0 + 5.0 + 3.0)


def test_a_plan_times_the_steps_of_a_generator_and_counts_its_epochs(tmp_path: Path) -> None:
    """2,000 slices, 70 % of them to learn from, in batches of 4: 350 steps an epoch."""
    params = load_params(STUDIES / "shree.yaml")
    small = params.generators["dcgan"].model_copy(update={"size": 64, "width": 2, "batch_size": 4, "epochs": 10})
    nodules = params.datasets["nodules"].model_copy(update={"planned_slices": 2000})
    params = params.model_copy(update={
        "generators": {"dcgan": small}, "datasets": {**params.datasets, "nodules": nodules},
        "train": params.train.model_copy(update={"detectors": []}),
    })  # fmt: skip
    (found,) = make_plan(params, tmp_path).generators
    assert (found.dataset, found.detector, found.slices, found.trainings) == ("nodules", "generator dcgan", 2000, 1)
    assert found.slices_per_s is not None
    assert found.hours == pytest.approx(2000 * 0.7 * 10 / found.slices_per_s / 3600)


@pytest.mark.parametrize(
    ("needed", "limit", "warning"),
    [
        (7.9, 8.0, None),
        (8.1, 8.0, "SVM on chest would take 8.1 GB, and its memory_gb is 8 (this machine has 16.0): a sample of 90"),
        (20.0, 17.0, "SVM on chest takes 17.0 GB, and this machine has 16.0: set detectors.SVM.memory_gb lower"),
        (16.1, 99.0, "SVM on chest takes 16.1 GB, and this machine has 16.0"),
        (15.9, 99.0, None),
    ],
)
def test_memory_that_a_training_or_the_machine_lacks_is_told_before(
    needed: float, limit: float, warning: str | None
) -> None:
    said = replace(line("SVM", None), memory=Memory(needed * 1e9, limit * 1e9, 90)).memory_warning(16e9)
    assert said is None if warning is None else said is not None and said.startswith(warning)


def test_pixels_of_the_view_and_the_kernel_decide_what_memory_a_classical_model_needs() -> None:
    spec = detector_spec("SVM")
    sizes = SplitSizes(84_000, 18_000, 18_000, 266, 340)
    memory = {
        pool: family_of(spec).estimate(spec, validate_options("SVM", {"pool": pool}))(sizes).memory for pool in (1, 4)
    }
    assert all(one is not None and one.limit_bytes == 8e9 for one in memory.values())
    pixels = {1: 266 * 340, 4: 66 * 85}
    for pool, one in memory.items():
        assert one is not None
        assert one.needed_bytes == pytest.approx(1e9 + 84_000 * pixels[pool] * 8.5 + 84_000**2 * 9)
        assert 1e9 + one.slices * pixels[pool] * 8.5 + one.slices**2 * 9 <= 8e9
        more = one.slices + 1
        assert 1e9 + more * pixels[pool] * 8.5 + more**2 * 9 > 8e9
