"""One-class detectors of the leave-out: what they are shown."""

from pathlib import Path

import pytest

from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.anomaly.real_slices import untouched_slices
from medfake.errors import TrainingError
from medfake.experiments.left_out_places import slices_for_places
from medfake.experiments.real_only import _dealt, real_only_scorer
from medfake.tamper.bank import Bank
from tests.detectors.dense.conftest import PATIENTS, bank, write_bank  # noqa: F401  # fixtures


def test_level_and_distance_are_of_different_patients_and_none_is_tested(bank: Bank) -> None:  # noqa: F811
    train, val = _dealt(untouched_slices(bank, {"test-0"}), "bank")
    shown, setting = ({one.patient for one in part} for part in (train, val))
    assert not shown & setting
    assert shown | setting == set(PATIENTS) - {"test-0"}


def test_too_few_patients_beside_those_left_out_are_refused(bank: Bank, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(TrainingError, match="real slices of 3 patients"):
        real_only_scorer("PaDiM", RealScansOptions(), bank, frozenset(PATIENTS[3:]), 1, tmp_path)
    assert not list(tmp_path.glob("*.onnx"))


def test_places_are_measured_on_manipulated_slices_and_half_as_many_untouched_ones(bank: Bank) -> None:  # noqa: F811
    kinds = bank.slices.loc[slices_for_places(bank, 6, seed=1)]
    assert kinds.kind.value_counts().to_dict() == {"forged": 6, "untouched": 3}
    assert kinds[kinds.kind == "forged"].patient_id.nunique() == 6
