"""The package that comes with medfake, made out of a small bank."""

from pathlib import Path

import pytest

from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.experiments.builtin import LEFT_OUT, BuiltinPlan, make_builtin
from medfake.package.scan_scorer import open_package
from medfake.vocabulary import Evidence
from tests.detectors.dense.conftest import WriteBank, write_bank  # noqa: F401  # a fixture
from tests.tamper.conftest import WriteReals, chest, make_chest, write_reals  # noqa: F401  # fixtures


@pytest.mark.slow(minutes=2)
def test_it_is_measured_on_patients_that_it_had_not_seen(
    tmp_path: Path,
    write_bank: WriteBank,  # noqa: F811
    write_reals: WriteReals,  # noqa: F811
) -> None:
    for number in range(2):
        write_reals(tmp_path / "reals" / str(number), make_chest(), patient_id=f"train-{number}")
    bank = write_bank()
    options = ResidualStatisticsOptions(bank=str(bank.folder), rounds=1, members=1, epochs=2, places=512, widths=(16,))
    plan = BuiltinPlan(
        bank=bank, reals=[tmp_path / "reals"], patients=lambda name: name, options=options, folds=3, scanners=1,
        forged_scanners=0, manipulations=frozenset({"removal", "copy-move", "self-blended"}),
    )  # fmt: skip
    table = make_builtin(plan, tmp_path / "package", "0" * 40)
    assert set(table.patient) == {"train-0", "train-1"}
    assert (table.manipulation == "").sum() == 4
    assert set(table.manipulation) == {"", "removal", "copy-move", "self-blended"}
    package = open_package(tmp_path / "package")
    card = package.card
    assert card.evidence is Evidence.FORGED
    assert set(card.metrics[LEFT_OUT]) == {"scan_auc", "slice_auc", "hit_rate", "sensitivity", "specificity"}
    assert card.patients == {LEFT_OUT: 2, "learnt from": 9}
    assert card.false_alarms is not None
    assert card.false_alarms.scans == 4
    assert card.false_alarms_of_few is None  # all scans are long
    assert sorted(one.name for one in (tmp_path / "package").iterdir()) == [
        "aggregation.onnx", "card.json", "detector.onnx",
    ]  # fmt: skip
