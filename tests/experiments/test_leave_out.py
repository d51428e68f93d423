"""What is found that a training never saw, measured on a small bank and small chests."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.dense import fit
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.errors import ManifestError, SourceError
from medfake.experiments import leave_out
from medfake.experiments.leave_out import LeaveOutPlan, LeaveOutResult, make_leave_out
from medfake.metrics.bootstrap import Bootstrap
from tests.detectors.dense.conftest import WriteBank, write_bank  # noqa: F401  # a fixture
from tests.tamper.conftest import make_chest, write_series_of

PATIENTS = tuple(f"p-{number:02d}" for number in range(20))
MAKERS = ("GE MEDICAL SYSTEMS", "SIEMENS", "GE Healthcare", "SIEMENS", "")


@dataclass(frozen=True)
class Made:
    """A run that was killed when all was measured, and then went on.

    Attributes:
        trainings: Places that each was shown.
    """

    result: LeaveOutResult
    folder: Path
    trainings: list[pd.DataFrame]


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def plan(write_bank: WriteBank, tmp_path_factory: pytest.TempPathFactory) -> LeaveOutPlan:  # noqa: F811
    reals = tmp_path_factory.mktemp("reals")
    for number in range(2):
        chest = np.roll(make_chest(), 3 * number, axis=1)
        write_series_of(reals / str(number), chest, patient_id=PATIENTS[number])
    bank = write_bank(PATIENTS, makers=MAKERS)
    options = ResidualStatisticsOptions(bank=str(bank.folder), rounds=1, members=1, epochs=2, places=256, widths=(16,))
    return LeaveOutPlan(
        bank=bank, reals=[reals], patients=lambda name: name, options=options, folds=2, scanners=1, slices=6,
        places=6, real_only={"PaDiM": RealScansOptions()},
        bootstrap=Bootstrap(resamples=50),
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(plan: LeaveOutPlan, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("forensics")
    trainings: list[pd.DataFrame] = []
    batches = fit.PlaceBatches

    def watched(statistics: Any, *others: Any) -> Any:
        trainings.append(statistics.places)
        return batches(statistics, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "PlaceBatches", watched)
        patch.setattr(leave_out, "write_leave_out", _killed)
        with pytest.raises(KeyboardInterrupt):
            make_leave_out(plan, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("medfake.experiments.unseen.learn", _killed)
        patch.setattr("medfake.detectors.dense.judged.JudgedSlices.score", _killed)
        return Made(make_leave_out(plan, folder), folder, trainings)


@pytest.mark.slow(minutes=2)
def test_families_and_makers_are_rows_and_columns(made: Made) -> None:
    families = (("nothing", "blend", "cube", "PaDiM"), ("blend", "cube"))
    makers = ("nothing", "GE", "SIEMENS")
    assert {matrix.title: (matrix.left_out, matrix.tested_on) for matrix in made.result.matrices} == {
        "Place AUC by family, slices of the bank": (families[0], (*families[1], "all")),
        "Scan AUC by family, whole scans": families,
        "Slice AUC by family, slices of whole scans": families,
        "Right place by family, whole scans": families,
        "Slice AUC by maker of the scanner, single slices of the bank": (makers, (*makers[1:], "not named")),
        "Right place by maker of the scanner, single slices of the bank": (makers, (*makers[1:], "not named")),
        "Scan AUC by maker of the scanner, whole scans": (makers, makers[1:]),
        "Slice AUC by maker of the scanner, slices of whole scans": (makers, makers[1:]),
        "Right place by maker of the scanner, whole scans": (makers, makers[1:]),
    }
    cells = [cell for matrix in made.result.matrices for row in matrix.cells for cell in row]
    assert all(cell is not None and cell.figure is not None for cell in cells)


@pytest.mark.slow(minutes=2)
def test_cells_say_of_how_many_they_are(made: Made) -> None:
    scans, slices = made.result.matrices[1].cells[0][0], made.result.matrices[4].cells[0][0]
    assert scans is not None
    assert (scans.tampered, scans.untouched) == (2, 4)
    assert slices is not None
    assert (slices.tampered, slices.untouched) == (6, 6)


@pytest.mark.slow(minutes=2)
def test_the_files_hold_the_figures_and_nothing_else_stays(made: Made) -> None:
    assert sorted(one.name for one in made.folder.iterdir()) == ["leave-out.html", "leave-out.json", "leave-out.md"]
    stored = json.loads((made.folder / "leave-out.json").read_text())
    assert stored["notes"] == list(made.result.notes)
    assert set(stored["matrices"]) == {matrix.title for matrix in made.result.matrices}
    assert "blend: self-blended; cube: injection." in (made.folder / "leave-out.md").read_text()


@pytest.mark.slow(minutes=2)
def test_no_training_sees_what_its_row_names_nor_who_is_tested(made: Made) -> None:
    assert len(made.trainings) == 2 * len(("nothing", "blend", "cube", "GE", "SIEMENS"))
    assert all(places.patient_id.nunique() <= len(PATIENTS) / 2 for places in made.trainings)
    for family in ("blend", "cube"):
        assert sum(family not in set(places.family) for places in made.trainings) == 2
    for word in ("GE", "SIEMENS"):
        assert sum(not places.manufacturer.str.startswith(word).any() for places in made.trainings) == 2


@pytest.mark.slow(minutes=2)
def test_what_saw_real_slices_alone_has_seen_no_family_and_no_patient_that_is_tested(made: Made) -> None:
    for matrix in made.result.matrices:
        for name, cells in zip(matrix.left_out, matrix.cells, strict=True):
            assert all(cell is not None and (cell.unseen if name == "PaDiM" else not cell.real_only) for cell in cells)
    assert any(note.startswith("PaDiM: learnt from untouched slices") for note in made.result.notes)


@pytest.mark.slow(minutes=2)
def test_a_maker_without_whom_too_few_patients_remain_is_told_and_not_left_out(
    plan: LeaveOutPlan,
    write_bank: WriteBank,  # noqa: F811
    tmp_path: Path,
) -> None:
    bank = write_bank(PATIENTS[:12], makers=("GE",) * 11 + ("SIEMENS",))
    result = make_leave_out(replace(plan, bank=bank, over=("scanners",), scanners=0, slices=1), tmp_path)
    assert result.matrices[0].left_out == ("nothing", "SIEMENS")
    assert any(note.startswith("Not left out: GE; 0 patients") for note in result.notes)


@pytest.mark.parametrize(
    ("over", "change", "message"),
    [
        ("scanners", lambda bank: replace(bank, slices=bank.slices.drop(columns="manufacturer")), "no column manufact"),
        ("scanners", lambda bank: replace(bank, slices=bank.slices.assign(manufacturer="GE")), "scans of several"),
        ("families", lambda bank: replace(bank, sites=bank.sites.assign(family="cube")), "a bank that has several"),
    ],
)
def test_a_bank_that_lacks_what_is_left_out_is_refused_with_the_remedy(
    plan: LeaveOutPlan, tmp_path: Path, over: Any, change: Any, message: str
) -> None:
    other = {"scanners": "--over families", "families": "--over scanners"}[over]
    with pytest.raises((ManifestError, SourceError), match=message) as refused:
        make_leave_out(replace(plan, bank=change(plan.bank), over=(over,)), tmp_path)
    assert other in str(refused.value.remedy)
    assert not list(tmp_path.iterdir())


def test_families_need_whole_scans(plan: LeaveOutPlan, tmp_path: Path) -> None:
    write_series_of(tmp_path / "reals", make_chest(4), patient_id=PATIENTS[0])
    with pytest.raises(SourceError, match="no series has 20 slices"):
        make_leave_out(replace(plan, reals=[tmp_path / "reals"]), tmp_path / "out")
